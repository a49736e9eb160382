#include "sofa/cluster/provider.h"

#include <algorithm>
#include <optional>

#include "sofa/base/text.h"

namespace sofa::cluster {

namespace {

/// The part up to a separator, which is taken off the rest; all of it when there is none.
std::string_view take_until(std::string_view& rest, std::string_view separators) {
  const size_t end = std::min(rest.find_first_of(separators), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

Result<int64_t> number_of(std::string_view url, std::string_view key, std::string_view text, int64_t most) {
  const auto number = whole_number<int64_t>(text);
  if (!number || *number < 0 || *number > most) {
    return fail(Code::invalid_argument, "provider '{}': {} '{}' is no number from 0 to {}", url, key, text, most);
  }
  return *number;
}

/// What a URL says about warming up: it counts when all three are there.
struct WarmUpAttributes {
  std::optional<int64_t> start, length, weight;  // ms, ms
  WarmUp::Shape shape = WarmUp::Shape::step;
  WarmUp warm_up() const {
    if (!start || !length || !weight) return {};
    return {.start = WallTime(std::chrono::milliseconds(*start)),
            .length = std::chrono::milliseconds(*length),
            .weight = static_cast<int>(*weight),
            .shape = shape};
  }
};

Result<void> read_attribute(std::string_view url, std::string_view key, std::string_view value, Provider& provider, WarmUpAttributes& warm_up) {
  constexpr int64_t kMostWeight = 1'000'000;
  constexpr int64_t kMostMilliseconds = int64_t{9} * 1'000'000'000'000;  // the year 2255: nanoseconds must hold it
  if (key == "serialization") {
    provider.serialization = value;
    return {};
  }
  if (key == "warmupShape") {
    if (value != "step" && value != "ramp")
      return fail(Code::invalid_argument, "provider '{}': warmupShape '{}' is neither step nor ramp", url, value);
    warm_up.shape = value == "ramp" ? WarmUp::Shape::ramp : WarmUp::Shape::step;
    return {};
  }
  const bool is_weight = key == "weight" || key == "warmupWeight";
  if (!is_weight && key != "timeout" && key != "warmupTime" && key != "startTime") {
    provider.attributes.emplace_back(key, value);
    return {};
  }
  auto number = number_of(url, key, value, is_weight ? kMostWeight : kMostMilliseconds);
  if (!number) return forward_error(number);
  if (key == "weight") provider.weight = static_cast<int>(*number);
  if (key == "timeout") provider.timeout = std::chrono::milliseconds(*number);
  if (key == "warmupWeight") warm_up.weight = *number;
  if (key == "warmupTime") warm_up.length = *number;
  if (key == "startTime") warm_up.start = *number;
  return {};
}

}  // namespace

int Provider::weight_at(WallTime now) const {
  if (!is_warming_up(now)) return std::max(weight, 0);
  if (warm_up.shape == WarmUp::Shape::step) return std::max(warm_up.weight, 0);
  const double part = std::clamp(static_cast<double>((now - warm_up.start).count()) / static_cast<double>(warm_up.length.count()), 0.0, 1.0);
  return std::max(0, warm_up.weight + static_cast<int>(part * (weight - warm_up.weight)));
}

std::string_view Provider::attribute(std::string_view key) const {
  const auto found = std::ranges::find(attributes, key, &std::pair<std::string, std::string>::first);
  return found == attributes.end() ? std::string_view() : std::string_view(found->second);
}

Result<Provider> parse_provider(std::string_view url) {
  Provider provider;
  std::string_view rest = url;
  if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
    provider.protocol = rest.substr(0, scheme);
    rest.remove_prefix(scheme + 3);
  }
  std::string_view place = take_until(rest, "?");
  if (!place.starts_with("unix:")) place = place.substr(0, place.find('/'));
  auto address = io::Address::parse(place);
  if (!address) return std::unexpected(std::move(address.error()).wrap(fmt::format("provider '{}' has no address", url)));
  provider.address = std::move(*address);
  WarmUpAttributes warm_up;
  while (!rest.empty()) {
    std::string_view value = take_until(rest, "&");
    const std::string_view key = take_until(value, "=");
    if (auto read = read_attribute(url, key, value, provider, warm_up); !read) return forward_error(read);
  }
  provider.warm_up = warm_up.warm_up();
  return provider;
}

Result<std::vector<Provider>> parse_provider_list(std::string_view urls) {
  std::vector<Provider> list;
  for (std::string_view rest = urls; !rest.empty();) {
    const std::string_view url = trimmed(take_until(rest, ",;"), " \r");
    if (url.empty()) continue;
    auto provider = parse_provider(url);
    if (!provider) return forward_error(provider);
    list.push_back(std::move(*provider));
  }
  if (list.empty()) return fail(Code::invalid_argument, "no provider in '{}'; write bolt://host:port, several with ',' between", urls);
  return list;
}

}  // namespace sofa::cluster
