#pragma once
// Where the page is from that made a request (Fetch standard, "Origin" header; W3C Fetch Metadata, "Sec-Fetch-Site"): browsers let every page send
// requests to every server, without asking it first when they look like those of a link or a form.

#include <span>
#include <string>
#include <string_view>

#include "sofa/http/exchange.h"

namespace sofa::http {

/// Whether an origin ("https://a.example:8443") is that of the request's own host.
bool is_own_origin(std::string_view origin, const RequestHead& head);

/// Whether a list of origins has this one, or "*".
bool has_origin(std::span<const std::string> origins, std::string_view origin);

/// Whether a page of another origin made the request, or a link or form there: its Origin is neither its host's nor one of `allowed`, or, without
/// one, Sec-Fetch-Site says so. Programs send neither. Browsers send no Sec-Fetch-Site to http:// hosts that are not loopback, and no Origin with
/// their GET of a link or an image: there such a GET cannot be told from a program's.
bool is_from_foreign_page(const RequestHead& head, std::span<const std::string> allowed);

}  // namespace sofa::http
