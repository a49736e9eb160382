// What consumers of Dubbo learn of a server that they know by its application (docs/protocols/dubbo.md, section 10).

#include "sofa/rpc/detail/dubbo_metadata.h"
#include "dubbo_sample.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/grpc/client.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using detail::DubboMetadataService;
using ::testing::HasSubstr;

Server described(ServerOptions options) {
  return Server(std::move(options))
      .add(make_dubbo_sample(std::make_shared<Seen>()), {.thread_safe = true})
      .add(make_dubbo_sample(std::make_shared<Seen>()), {.version = "2.0", .unique_id = "blue", .thread_safe = true});
}

Task<Result<std::shared_ptr<DubboMetadataService>>> metadata_of(const RunningServer& server) {
  return connect<DubboMetadataService>(fmt::format("dubbo://127.0.0.1:{}", server.port("dubbo")), {.version = "1.0.0", .unique_id = "shop"});
}

TEST(DubboMetadata, NamesServicesByProtocolVersionAndGroup) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(described({.port = 0, .application = "shop"}).start());
    auto client = co_await or_return(metadata_of(*server));
    EXPECT_EQ(co_await or_return(client->service_name()), "shop");
    const auto infos = co_await or_return(client->get_metadata_infos());
    EXPECT_EQ(infos.size(), 1u);
    const auto info = co_await or_return(client->get_metadata_info(infos.front().revision));
    EXPECT_TRUE(info.has_value());
    std::vector<std::string> keys;
    for (const auto& [key, service] : info->services) {
      keys.push_back(key);
      EXPECT_EQ(service.port, server->port()) << key;
    }
    const std::string name(DubboSample::kName);
    EXPECT_THAT(keys, ::testing::UnorderedElementsAre(name + ":1.0:dubbo", name + ":dubbo", name + ":1.0:tri", name + ":tri",
                                                      "blue/" + name + ":2.0:dubbo", "blue/" + name + ":2.0:tri"));
    const auto& blue = info->services.at("blue/" + name + ":2.0:dubbo");
    EXPECT_EQ(blue.group, "blue");
    EXPECT_EQ(blue.version, "2.0");
    EXPECT_THAT(blue.params.at("methods"), HasSubstr("attachment"));
    EXPECT_EQ(co_await or_return(client->get_metadata_info("another")), std::nullopt);
    client.reset();
    co_return co_await server->stop();
  }());
}

TEST(DubboMetadata, GivesUrlsOfWhatIsAskedFor) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(described({.port = 0, .application = "shop"}).start());
    auto client = co_await or_return(metadata_of(*server));
    const auto size = [](const Graph<hessian::Value>& set) { return set->list()->size(); };
    EXPECT_EQ(size(co_await or_return(client->get_exported_urls())), 6u);
    const auto one = co_await or_return(client->get_exported_urls_of_protocol(std::string(DubboSample::kName), "blue", "2.0", "dubbo"));
    EXPECT_EQ(size(one), 1u);
    EXPECT_EQ(one->list()->type, "java.util.TreeSet");
    EXPECT_THAT(std::string((*one->list())[0].text()),
                HasSubstr(fmt::format("dubbo://0.0.0.0:{}/{}?application=shop&group=blue&version=2.0", server->port(), DubboSample::kName)));
    EXPECT_EQ(size(co_await or_return(client->get_exported_urls_of_interface("com.acme.Other"))), 0u);
    EXPECT_EQ(size(co_await or_return(client->get_subscribed_urls())), 0u);
    client.reset();
    co_return co_await server->stop();
  }());
}

TEST(DubboMetadata, HasTheSameRevisionWhereTheSameIsServed) {
  const auto revision = [](std::vector<std::string> methods, uint16_t port) {
    detail::ServiceTable table;
    auto service = make_dubbo_sample(std::make_shared<Seen>());
    for (const std::string& name : methods) EXPECT_TRUE(table.add(name, service));
    detail::DubboApplication application("shop");
    application.set_services(table);
    application.set_ports(port, 0);
    return application.metadata().revision;
  };
  EXPECT_EQ(revision({"a.B:1.0", "a.C:1.0"}, 1), revision({"a.C:1.0", "a.B:1.0"}, 1));
  EXPECT_NE(revision({"a.B:1.0", "a.C:1.0"}, 1), revision({"a.B:1.0"}, 1));
  EXPECT_NE(revision({"a.B:1.0"}, 1), revision({"a.B:2.0"}, 1));
  EXPECT_NE(revision({"a.B:1.0"}, 1), revision({"a.B:1.0"}, 2));
}

TEST(DubboMetadata, IsNotToldByAServerWithoutAName) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(described({.port = 0}).start());
    auto client = co_await or_return(metadata_of(*server));
    const auto got = co_await client->service_name();
    EXPECT_THAT(got.error().to_string(), HasSubstr("no service shop/org.apache.dubbo.metadata.MetadataService:1.0.0"));
    client.reset();
    co_return co_await server->stop();
  }());
}

/// The texts of a message's fields, by number.
std::multimap<uint64_t, std::string> texts_of(ByteSpan message) {
  std::multimap<uint64_t, std::string> texts;
  ProtobufFields fields(message);
  while (const auto field = fields.next()) texts.emplace(field->number, as_text(field->bytes));
  EXPECT_FALSE(fields.is_broken());
  return texts;
}

TEST(DubboMetadata, TellsTheSameAsProtobufOverTriple) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(described({.port = 0, .application = "shop"}).start());
    auto client = co_await or_return(metadata_of(*server));
    const auto infos = co_await or_return(client->get_metadata_infos());
    client.reset();
    grpc::Channel channel(server->address());
    const auto ask = [&channel](std::string_view revision) {
      Buffer request;
      ProtobufWriter(request).text(1, revision);
      return channel.unary("/org.apache.dubbo.metadata.MetadataServiceV2/GetMetadataInfo", request.take());
    };
    const auto answer = texts_of((co_await or_return(ask(infos.front().revision))).span());
    EXPECT_EQ(answer.find(1)->second, "shop");
    EXPECT_EQ(answer.find(2)->second, infos.front().revision);
    EXPECT_EQ(answer.count(3), infos.front().services.size());
    const auto entry = texts_of(as_bytes(answer.find(3)->second));
    const auto& known = infos.front().services.at(entry.find(1)->second);
    const auto service = texts_of(as_bytes(entry.find(2)->second));
    EXPECT_EQ(service.find(1)->second, known.name);
    EXPECT_EQ(service.find(4)->second, known.protocol);
    EXPECT_EQ(service.count(7), known.params.size());
    EXPECT_EQ((co_await ask("another")).error().code(), Code::not_found);
    co_await channel.close();
    co_return co_await server->stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
