#include "sofa/admin/detail/page_headers.h"

#include "sofa/http/filter.h"

namespace sofa::admin::detail {

namespace {

class Filter final : public http::ExchangeFilter {
 public:
  using ExchangeFilter::ExchangeFilter;
  Result<void> send_response(int status, const http::Headers& headers, bool end) override {
    if (status < 200) return inner().send_response(status, headers, end);
    http::Headers all = headers;
    const auto add = [&all](std::string_view name, std::string_view value) {
      if (!all.contains(name)) all.add(name, value);
    };
    add("content-security-policy", kPolicy);
    add("x-content-type-options", "nosniff");
    add("x-frame-options", "DENY");
    add("referrer-policy", "no-referrer");
    add("cross-origin-opener-policy", "same-origin");
    add("cross-origin-resource-policy", "same-origin");
    add("cache-control", "no-store");
    return inner().send_response(status, all, end);
  }
};

}  // namespace

void PageHeaders::handle(http::ExchangePtr exchange) { next().handle(std::make_unique<Filter>(std::move(exchange))); }

}  // namespace sofa::admin::detail
