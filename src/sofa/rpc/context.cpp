#include "sofa/rpc/context.h"

#include "sofa/base/text.h"
#include "sofa/http/headers.h"
#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc {

using detail::kRequestBaggage;
using detail::kResponseBaggage;

namespace {

/// The value of a field, whatever the case of `name`.
std::optional<std::string_view> find_field(const http::Headers& fields, std::string name) { return fields.get(lower_case(std::move(name))); }

}  // namespace

const std::string* find_in(const Pairs& pairs, std::string_view key) {
  for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
    if (pair->first == key) return &pair->second;
  }
  return nullptr;
}

std::string_view Context::header(std::string_view key) const {
  const auto value = headers_.find(key);
  if (value || fields_ == nullptr) return value.value_or(std::string_view{});
  return find_field(*fields_, std::string(key)).value_or(std::string_view{});
}

std::string_view Context::caller_app() const {
  const std::string_view app = header("app");
  return app.empty() && grpc_ != nullptr ? header("tri-consumer-appname") : app;
}

std::optional<std::string_view> Context::baggage(std::string_view key) const {
  if (fields_ != nullptr) return find_field(*fields_, std::string(kRequestBaggage).append(key));
  std::optional<std::string_view> found;
  for (const auto& [name, value] : headers_) {
    if (name.size() == kRequestBaggage.size() + key.size() && name.starts_with(kRequestBaggage) && name.ends_with(key)) found = value;
  }
  return found;
}

void Context::put_response_baggage(std::string_view key, std::string_view value) {
  response_headers_.emplace_back(std::string(kResponseBaggage).append(key), value);
}

const Context* current_call(const io::Scope& scope) { return dynamic_cast<const Context*>(scope.context()); }

}  // namespace sofa::rpc
