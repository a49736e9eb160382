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
/// one, Sec-Fetch-Site says so and not every origin ("*") is allowed. Programs send neither. Browsers send no Sec-Fetch-Site to http:// hosts that
/// are not loopback, and no Origin with their GET of a link or an image: there such a GET cannot be told from a program's.
bool is_from_foreign_page(const RequestHead& head, std::span<const std::string> allowed);

/// Answers such a request: 403, with the page in the sentence.
void refuse_page(Exchange& exchange);

/// Whether a browser fetches it to show it in a tab of its own: a GET of a link, of the address line or of a form. What made it cannot read the
/// answer.
bool is_navigation(const RequestHead& head);

/// Whether a page cannot have taken this authority ("h:80", "[::1]:80") for a server on the browser's own machine: an address, localhost, a name
/// below it, or one of `names`, which "*" means all of. Any other name may be one of the page's own, which DNS has pointed here since the page was
/// loaded.
bool is_name_of_this_machine(std::string_view authority, std::span<const std::string> names);

}  // namespace sofa::http
