// An admin API with identities in a folder, and nothing else: identity-server --folder DIR [--port 0].
#include <fmt/format.h>
#include <unistd.h>

#include "sofa/admin/admin_server.h"
#include "sofa/base/flags.h"
#include "sofa/identity/gate.h"
#include "sofa/identity/log_store.h"
#include "sofa/identity/part.h"
#include "sofa/io/runtime.h"

using namespace sofa;
using io::or_return;

namespace {

struct Options {
  std::string folder{};
  uint16_t port = 0;
  static void describe(Description<Options>& d) {
    d.field("folder", &Options::folder).required().doc("of the identities");
    d.field("port", &Options::port).doc("0 picks a free one");
  }
};

io::Task<Result<void>> serve_until_stopped(identity::Identities& identities, uint16_t port) {
  if (const auto first = co_await or_return(identities.make_first_user())) fmt::print(stderr, "first user: {} {}\n", first->name, first->password);
  auto gate = std::make_shared<identity::IdentityGate>(identities);
  admin::AdminServer server({.port = port, .gate = gate});
  server.add(std::make_shared<identity::IdentityPart>(identities));
  identity::add_session_routes(server, identities, gate);
  co_await or_return(server.start());
  fmt::print("ready pid={} http={}\n", ::getpid(), server.port());
  std::fflush(stdout);
  (void)co_await io::until_cancelled();
  co_return co_await server.stop();
}

io::Task<Result<void>> run(const Options& options) {
  auto store = co_await or_return(identity::LogStore::open({.folder = options.folder}));
  auto node_key = co_await or_return(identity::NodeKey::open(options.folder + "/node-key"));
  Result<void> done;
  {
    auto identities = co_await or_return(identity::Identities::open(*store, std::move(node_key), SystemClock::instance()));
    done = co_await serve_until_stopped(*identities, options.port);
  }
  (void)co_await store->close();
  co_return done;
}

io::Task<int> told(const Options& options) {
  const auto done = co_await run(options);
  if (done) co_return 0;
  fmt::print(stderr, "identity-server: {}\n", done.error().to_string());
  co_return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options, {.about = "Serves identities."});
  if (const auto code = exit_code_of(flags)) return *code;
  return io::run(told(options), {.shards = 2});
}
