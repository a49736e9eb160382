// One member of a group that keeps a counter.
//
//   counter-server --id 127.0.0.1:8701 --peers 127.0.0.1:8701,127.0.0.1:8702,127.0.0.1:8703 --data /tmp/counter1
#include "sofa/state/raft/server.h"
#include "counter.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "sofa/state/raft/client.h"

namespace {

using namespace sofa;
using io::or_return;

struct Options {
  std::string id, peers, data;
  int64_t snapshot_secs = 3600;
  static auto describe(Description<Options>& d) {
    d.field("id", &Options::id).doc("this node, IP:PORT, as it stands in --peers").required();
    d.field("peers", &Options::peers).doc("the members of the new group, with commas between; the same for each of them").required();
    d.field("data", &Options::data).doc("folder of its log and its snapshots").required();
    d.field("snapshot_secs", &Options::snapshot_secs).range(0, 1'000'000).unit("seconds").doc("between snapshots; 0: none by time");
  }
};

// region: serve
io::Task<Result<void>> serve(const Options& options) {
  const auto members = jraft::Configuration::parse(options.peers);
  if (!members) co_return fail(Code::invalid_argument, "--peers: '{}' names no members; write IP:PORT,IP:PORT,IP:PORT", options.peers);

  raft::ClientService clients;
  auto server = co_await or_return(
      raft::Server::open({.folder = options.data, .address = options.id, .owner = "counter"}, {{std::string(raft::ClientRequest::kName), &clients}}));

  auto machine = std::make_unique<counter::Counter>();
  const counter::Counter& state = *machine;
  raft::NodeOptions group{.group = "counter", .initial = *members, .snapshot_interval = std::chrono::seconds(options.snapshot_secs)};
  group.sessions = true;  // a client in doubt sends its entry again, and it counts once
  raft::Node* node = co_await or_return(server->start(std::move(group), std::move(machine)));
  clients.serve(*node, [&state](const Bytes&) -> Result<Bytes> { return counter::encode(state.value()); });

  std::printf("READY %s\n", options.id.c_str());
  std::fflush(stdout);
  (void)co_await io::until_cancelled();  // SIGTERM

  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  co_return co_await server->stop().in(stopping);
}
// endregion

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options, {.about = "One member of a group that keeps a counter."});
  if (const auto code = exit_code_of(flags)) return *code;
  return io::run(serve(options), {.shards = 1});
}
