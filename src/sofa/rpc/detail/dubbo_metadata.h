#pragma once
// What Dubbo's application-level consumers ask a provider that a registry has named: which services its application has
// (docs/protocols/dubbo.md, section 10).

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/rpc/detail/service_table.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::rpc::detail {

/// One service over one protocol.
struct DubboServiceInfo {
  std::string name;  // the interface
  std::optional<std::string> group{}, version{};
  std::string protocol;
  int32_t port = -1;
  std::string path;
  std::map<std::string, std::string> params{};
  static auto describe(Description<DubboServiceInfo>& d) {
    d.java_type("org.apache.dubbo.metadata.MetadataInfo$ServiceInfo");
    d.field("name", &DubboServiceInfo::name);
    d.field("group", &DubboServiceInfo::group);
    d.field("version", &DubboServiceInfo::version);
    d.field("protocol", &DubboServiceInfo::protocol);
    d.field("port", &DubboServiceInfo::port);
    d.field("path", &DubboServiceInfo::path);
    d.field("params", &DubboServiceInfo::params);
  }
  /// "group/interface:version", without what is not there.
  std::string service_key() const;
};

struct DubboMetadata {
  std::string app;
  std::string revision;
  std::map<std::string, DubboServiceInfo> services;  // by service key and protocol
  static auto describe(Description<DubboMetadata>& d) {
    d.java_type("org.apache.dubbo.metadata.MetadataInfo");
    d.field("app", &DubboMetadata::app);
    d.field("revision", &DubboMetadata::revision);
    d.field("services", &DubboMetadata::services);
  }
};

/// The application behind a server. Its services are set before the server listens, its ports when it does; read by all shards.
class DubboApplication {
 public:
  explicit DubboApplication(std::string name) : name_(std::move(name)) {}
  void set_services(const ServiceTable& services);
  /// 0: the protocol is not spoken.
  void set_ports(uint16_t dubbo, uint16_t triple);

  const std::string& name() const { return name_; }
  DubboMetadata metadata() const;

 private:
  struct Service {
    std::string interface;
    std::string version{}, group{};
    bool over_dubbo = false;  // it has a method that Dubbo 2 carries
    std::string methods{};    // with commas between
  };
  const std::string name_;
  std::vector<Service> services_;
  std::atomic<uint16_t> dubbo_port_{0}, triple_port_{0};
};

/// The methods that Dubbo 3.3's consumers call; its callbacks (getAndListenInstanceMetadata) are not among them. Sets are lists of the Java type
/// java.util.TreeSet.
struct DubboMetadataService : Interface {
  static constexpr std::string_view kName = "org.apache.dubbo.metadata.MetadataService";
  static constexpr std::string_view kVersion = "1.0.0";
  using Text = std::optional<std::string>;
  using Set = Graph<hessian::Value>;
  Method<std::string()> service_name{this, "serviceName"};
  Method<std::string()> version{this, "version"};
  Method<std::optional<DubboMetadata>(Text)> get_metadata_info{this, "getMetadataInfo"};
  Method<std::vector<DubboMetadata>()> get_metadata_infos{this, "getMetadataInfos"};
  Method<Set()> get_exported_urls{this, "getExportedURLs"};
  Method<Set(Text)> get_exported_urls_of_interface{this, "getExportedURLs"};
  Method<Set(Text, Text)> get_exported_urls_of_group{this, "getExportedURLs"};
  Method<Set(Text, Text, Text)> get_exported_urls_of_version{this, "getExportedURLs"};
  Method<Set(Text, Text, Text, Text)> get_exported_urls_of_protocol{this, "getExportedURLs"};
  Method<Set()> get_subscribed_urls{this, "getSubscribedURLs"};
  Method<std::string(Text)> get_service_definition{this, "getServiceDefinition"};
  Method<std::string(Text, Text, Text)> get_service_definition_of_version{this, "getServiceDefinition"};
};

std::shared_ptr<DubboMetadataService> make_dubbo_metadata_service(std::shared_ptr<const DubboApplication> application);

}  // namespace sofa::rpc::detail
