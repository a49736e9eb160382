#include "sofa/rpc/detail/dubbo_metadata.h"

#include <algorithm>
#include <set>

#include "sofa/wire/dubbo/body.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kDefaultVersion = "1.0";
constexpr std::string_view kSerialization = "hessian2";

/// FNV-1a: the same text has the same revision in every process.
std::string revision_of(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return fmt::format("{:016x}", hash);
}

std::string content_of(const DubboMetadata& metadata) {
  std::string content = metadata.app;
  for (const auto& [key, service] : metadata.services) {
    content += fmt::format("\n{} {} {}", key, service.port, service.path);
    for (const auto& [name, value] : service.params) content += fmt::format(" {}={}", name, value);
  }
  return content;
}

std::string url_of(const DubboMetadata& metadata, const DubboServiceInfo& service) {
  std::string url = fmt::format("{}://0.0.0.0:{}/{}?application={}", service.protocol, service.port, service.path, metadata.app);
  if (service.group) url += "&group=" + *service.group;
  if (service.version) url += "&version=" + *service.version;
  for (const auto& [name, value] : service.params) url += fmt::format("&{}={}", name, value);
  return url;
}

}  // namespace

std::string DubboServiceInfo::service_key() const {
  return fmt::format("{}{}{}{}{}", group.value_or(""), group ? "/" : "", name, version ? ":" : "", version.value_or(""));
}

void DubboApplication::set_services(const ServiceTable& services) {
  for (const auto& entry : services.entries()) {
    const UniqueNameParts name = split_unique_name(entry->service);
    Service service{.interface = std::string(name.interface), .version = std::string(name.version), .group = std::string(name.unique_id)};
    if (service.interface == DubboMetadataService::kName) continue;
    const auto same = [&](const Service& known) {
      return known.interface == service.interface && known.version == service.version && known.group == service.group;
    };
    auto at = std::ranges::find_if(services_, same);
    if (at == services_.end()) at = services_.insert(at, std::move(service));
    at->over_dubbo |= entry->is_wrapped();
    if (!at->methods.empty()) at->methods += ',';
    at->methods += entry->method->name();
  }
}

void DubboApplication::set_ports(uint16_t dubbo, uint16_t triple) {
  dubbo_port_ = dubbo;
  triple_port_ = triple;
}

DubboMetadata DubboApplication::metadata() const {
  DubboMetadata metadata{.app = name_, .revision = {}, .services = {}};
  const auto add = [&](const Service& service, std::string_view protocol, uint16_t port, bool versioned) {
    DubboServiceInfo info{.name = service.interface, .protocol = std::string(protocol), .port = port, .path = service.interface};
    if (!service.group.empty()) info.group = service.group;
    if (versioned) info.version = service.version;
    info.params = {{"dubbo", std::string(dubbo::kVersion)},
                   {"interface", service.interface},
                   {"methods", service.methods},
                   {"prefer.serialization", std::string(kSerialization)},
                   {"serialization", std::string(kSerialization)},
                   {"side", "provider"}};
    std::string key = fmt::format("{}:{}", info.service_key(), protocol);
    metadata.services.emplace(std::move(key), std::move(info));
  };
  for (const Service& service : services_) {
    for (const bool versioned : {true, false}) {
      if (!versioned && service.version != kDefaultVersion) continue;  // only the default one answers consumers that name none
      if (service.over_dubbo && dubbo_port_ != 0) add(service, "dubbo", dubbo_port_, versioned);
      if (triple_port_ != 0) add(service, "tri", triple_port_, versioned);
    }
  }
  metadata.revision = revision_of(content_of(metadata));
  return metadata;
}

namespace {

/// Which services are asked for, as Java understands it: no interface, or "*", is all of them; no group and no version are the services without.
struct Filter {
  DubboMetadataService::Text interface{}, group{}, version{}, protocol{};

  bool admits(const DubboServiceInfo& service) const {
    const std::string_view wanted = interface ? std::string_view(*interface) : std::string_view();
    if (wanted.empty() || wanted == "*") return true;
    return wanted == service.name && group.value_or("") == service.group.value_or("") && version.value_or("") == service.version.value_or("") &&
           (!protocol || protocol->empty() || *protocol == service.protocol);
  }
};

DubboMetadataService::Set set_of(const std::set<std::string>& texts) {
  auto set = DubboMetadataService::Set::make();
  hessian::List* list = hessian::make_list(set.arena(), "java.util.TreeSet");
  for (const std::string& text : texts) list->push(hessian::Value::text(set.arena(), text));
  *set = hessian::Value(list);
  return set;
}

DubboMetadataService::Set urls_of(const DubboApplication& application, const Filter& filter) {
  const DubboMetadata metadata = application.metadata();
  std::set<std::string> urls;
  for (const auto& [key, service] : metadata.services) {
    if (filter.admits(service)) urls.insert(url_of(metadata, service));
  }
  return set_of(urls);
}

}  // namespace

std::shared_ptr<DubboMetadataService> make_dubbo_metadata_service(std::shared_ptr<const DubboApplication> application) {
  using Text = DubboMetadataService::Text;
  auto service = std::make_shared<DubboMetadataService>();
  service->service_name = [application] { return application->name(); };
  service->version = [] { return std::string(DubboMetadataService::kVersion); };
  service->get_metadata_info = [application](Text revision) -> std::optional<DubboMetadata> {
    DubboMetadata metadata = application->metadata();
    if (revision && !revision->empty() && *revision != metadata.revision) return {};
    return metadata;
  };
  service->get_metadata_infos = [application] { return std::vector<DubboMetadata>{application->metadata()}; };
  service->get_exported_urls = [application] { return urls_of(*application, {}); };
  service->get_exported_urls_of_interface = [application](Text interface) { return urls_of(*application, {std::move(interface)}); };
  service->get_exported_urls_of_group = [application](Text interface, Text group) {
    return urls_of(*application, {std::move(interface), std::move(group)});
  };
  service->get_exported_urls_of_version = [application](Text interface, Text group, Text version) {
    return urls_of(*application, {std::move(interface), std::move(group), std::move(version)});
  };
  service->get_exported_urls_of_protocol = [application](Text interface, Text group, Text version, Text protocol) {
    return urls_of(*application, {std::move(interface), std::move(group), std::move(version), std::move(protocol)});
  };
  service->get_subscribed_urls = [] { return set_of({}); };
  service->get_service_definition = [](Text) { return std::string(); };
  service->get_service_definition_of_version = [](Text, Text, Text) { return std::string(); };
  return service;
}

}  // namespace sofa::rpc::detail
