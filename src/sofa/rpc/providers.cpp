#include "sofa/rpc/providers.h"

#include <charconv>

namespace sofa::rpc {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<Provider> parse_provider(std::string_view url) {
  Provider provider;
  std::string_view rest = url;
  if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
    provider.protocol = rest.substr(0, scheme);
    rest.remove_prefix(scheme + 3);
  }
  if (provider.protocol != "bolt" && provider.protocol != "tri" && provider.protocol != "grpc") {
    return fail(Code::invalid_argument, "provider '{}' speaks '{}'; this client speaks bolt and gRPC: write bolt://host:port or tri://host:port", url,
                provider.protocol);
  }
  std::string_view query;
  if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  auto address = io::Address::parse(rest);
  if (!address) return std::unexpected(std::move(address.error()).wrap(fmt::format("provider '{}' has no address", url)));
  provider.address = std::move(*address);
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.starts_with("weight=")) {
      const std::string_view number = pair.substr(7);
      const auto parsed = std::from_chars(number.data(), number.data() + number.size(), provider.weight);
      if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || provider.weight < 0) {
        return fail(Code::invalid_argument, "provider '{}': weight '{}' is no number from 0 on", url, number);
      }
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return provider;
}

}  // namespace

Result<std::shared_ptr<Providers>> parse_providers(std::string_view urls) {
  std::vector<Provider> list;
  std::string_view rest = urls;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of(",;"), rest.size());
    const std::string_view url = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (url.empty()) continue;
    auto provider = parse_provider(url);
    if (!provider) return forward_error(provider);
    list.push_back(std::move(*provider));
  }
  if (list.empty()) return fail(Code::invalid_argument, "no provider in '{}'; write bolt://host:port, several with ',' between", urls);
  return std::make_shared<StaticProviders>(std::move(list), std::string(urls));
}

}  // namespace sofa::rpc
