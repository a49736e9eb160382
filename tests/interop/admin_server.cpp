// admin-server: an admin port with a part, metrics and profiles, for tools that no one here wrote. `admin-server --port 0` prints
// `ready pid=N admin=P` when it listens. The token "secret" may do all, "viewer" may read.

#include <unistd.h>

#include <cstdio>

#include "sofa/admin/admin_server.h"
#include "sofa/admin/profiles.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"

namespace {

using namespace sofa;

struct Flags {
  uint16_t port = 0;
  static auto describe(Description<Flags>& d) {
    d.doc("Serves an admin port on 127.0.0.1 until SIGTERM or SIGINT.");
    d.field("port", &Flags::port).doc("0 picks a free one");
  }
};

class TokenGate final : public admin::Gate {
 public:
  io::Task<Result<admin::Principal>> identify(const admin::Credentials& credentials) override { co_return identify_at_once(credentials); }
  Result<admin::Principal> identify_at_once(const admin::Credentials& credentials) override {
    for (const char* name : {"secret", "viewer"}) {
      if (credentials.authorization == fmt::format("Bearer {}", name)) return admin::Principal{.name = name, .proof = admin::Proof::token};
    }
    return fail(Code::unauthenticated, "send a token");
  }
  Result<void> may(const admin::Principal& principal, std::string_view permission) const override {
    if (principal.name == "secret" || permission.ends_with(":read")) return {};
    return fail(Code::permission_denied, "{} lacks the permission {}", principal.name, permission);
  }
  std::vector<std::string> permissions_of(const admin::Principal& principal) const override { return {principal.name == "secret" ? "*" : "*:read"}; }
  std::string csrf_token(const admin::Principal&) const override { return "token"; }
  std::string challenge() const override { return "Bearer"; }
};

enum class Size : uint8_t { small, large };
void describe(EnumDescription<Size>& d) { d.java_type("demo.Size").value("small", Size::small).value("large", Size::large); }

struct Parcel {
  std::string id{};
  Size size = Size::small;
  int64_t grams = 100;
  std::vector<std::string> stations{};
  std::map<std::string, std::string> labels{};
  static auto describe(Description<Parcel>& d) {
    d.java_type("demo.Parcel").doc("A parcel on its way.");
    d.field("id", &Parcel::id).required();
    d.field("size", &Parcel::size);
    d.field("grams", &Parcel::grams).at_least(1);
    d.field("stations", &Parcel::stations);
    d.field("labels", &Parcel::labels);
  }
};

class ParcelsPart final : public admin::Part {
 public:
  std::string_view name() const override { return "Parcels"; }
  void add_to(admin::Routes& routes) override {
    routes.post("Send", "/v1/parcels", "parcels:write", [](Parcel parcel) { return parcel; }).doc("Sends a parcel.");
    routes.get("Follow", "/v1/parcels/follow", "parcels:read", [](admin::Stream<Parcel>& out) -> io::Task<Result<void>> {
      for (int i = 0; i < 3; ++i) co_await io::or_return(co_await out.send({.id = fmt::format("p{}", i)}));
      co_return Result<void>();
    });
  }
};

std::shared_ptr<MetricRegistry> made_up_metrics() {
  auto metrics = std::make_shared<MetricRegistry>();
  for (const char* kind : {"letter", "parcel \"large\""}) {
    metrics->counter({.name = "post.sent", .labels = {{"kind", kind}}, .doc = "Things that were sent."}).add(7);
    metrics->histogram({.name = "post_delivery", .labels = {{"kind", kind}}, .doc = "How long it took.", .unit = "ns"}).record(3'000'000);
  }
  metrics->gauge({.name = "post_waiting", .doc = "Weight of what waits.", .unit = "bytes"}).set(-2);
  return metrics;
}

io::Task<Result<void>> serve(Flags flags) {
  admin::AdminServer server({.port = flags.port, .gate = std::make_shared<TokenGate>()});
  server.add(std::make_shared<ParcelsPart>());
  server.add(std::make_shared<admin::ProfilesPart>());
  admin::add_profile_pages(server);
  server.add_metrics(made_up_metrics());
  co_await io::or_return(co_await server.start());
  fmt::print("ready pid={} admin={}\n", ::getpid(), server.port());
  std::fflush(stdout);
  (void)co_await io::until_cancelled();
  io::Scope outlives_the_signal(nullptr);
  co_return co_await server.stop().in(outlives_the_signal);
}

io::Task<int> run(Flags flags) {
  const auto served = co_await serve(flags);
  if (!served) fmt::print(stderr, "{}\n", served.error());
  co_return served ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  const auto parsed = parse_flags(argc, argv, flags);
  if (const auto code = exit_code_of(parsed)) return *code;
  return io::run(run(flags), {.shards = 2});
}
