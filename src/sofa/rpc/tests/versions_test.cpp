// Several services of one interface, told apart by version and unique id over every protocol of the client.

#include "sample.h"
#include "sofa/io/testing/certificates.h"

namespace sofa::rpc {
namespace {

using namespace testing;

/// What each of them answers names it. The service of the default id comes last, so that it is found by its id and not by its place.
const std::vector<ServiceId> kIds = {{"2.0", "blue"}, {"2.0", ""}, {"1.0", "blue"}, {"1.0", ""}};
std::string prefix_of(const ServiceId& id) { return fmt::format("{}{}:", id.version, id.unique_id); }

class Versions : public ::testing::TestWithParam<std::string> {
 public:
  bool is_secure() const { return GetParam() == "h2" || GetParam() == "grpcs"; }
  Task<Result<void>> open(std::span<const ServiceId> ids) {
    ServerOptions options{.port = 0};
    if (is_secure()) options.tls = io::TlsServerConfig{.certificates = {authority_.issue()}};
    Server server(options);
    for (const ServiceId& id : ids) {
      static_cast<void>(std::move(server).add(make_sample(seen_, prefix_of(id)), {.version = id.version, .unique_id = id.unique_id}));
    }
    server_ = co_await or_return(std::move(server).start());
    co_return Result<void>();
  }
  /// What the service of this id answers; else the error's sentence.
  Task<std::string> ask(ServiceId id) const {
    ClientOptions options{.version = id.version, .unique_id = id.unique_id};
    if (is_secure()) options.tls = io::TlsClientConfig{.ca = authority_.certificate()};
    auto client = co_await connect<Sample>(fmt::format("{}://localhost:{}", GetParam(), server_->port()), options);
    if (!client) co_return client.error().to_string();
    const auto answer = co_await (*client)->echo("x");
    co_return answer ? answer->value_or("null") : answer.error().to_string();
  }
  Task<Result<void>> close() { return server_->stop(); }

 private:
  io::testing::Authority authority_;
  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
  std::unique_ptr<RunningServer> server_;
};

TEST_P(Versions, EachServiceOfAnInterfaceIsCalledByItsVersionAndUniqueId) {
  run_test([](Versions& test) -> Task<Result<void>> {
    co_await or_return(test.open(kIds));
    for (const ServiceId& id : kIds) EXPECT_EQ(co_await test.ask(id), prefix_of(id) + "x");
    co_return co_await test.close();
  }(*this));
}

TEST_P(Versions, AVersionThatIsNotServedIsNeverAnotherOne) {
  run_test([](Versions& test) -> Task<Result<void>> {
    co_await or_return(test.open(std::span(kIds).last(1)));
    EXPECT_THAT(co_await test.ask({"2.0", ""}), ::testing::Not(::testing::EndsWith(":x")));
    EXPECT_THAT(co_await test.ask({"2.0", "blue"}), ::testing::Not(::testing::EndsWith(":x")));
    co_return co_await test.close();
  }(*this));
}

INSTANTIATE_TEST_SUITE_P(Scheme, Versions, ::testing::Values("bolt", "tri", "grpc", "grpcs", "dubbo", "http", "h2c", "h2"),
                         [](const auto& scheme) { return scheme.param; });

}  // namespace
}  // namespace sofa::rpc
