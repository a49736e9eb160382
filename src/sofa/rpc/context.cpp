#include "sofa/rpc/context.h"

namespace sofa::rpc {

namespace {
constexpr std::string_view kRequestBaggage = "rpc_req_baggage.";
constexpr std::string_view kResponseBaggage = "rpc_resp_baggage.";
}  // namespace

const std::string* find_in(const Pairs& pairs, std::string_view key) {
  for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
    if (pair->first == key) return &pair->second;
  }
  return nullptr;
}

std::optional<std::string_view> Context::baggage(std::string_view key) const {
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
