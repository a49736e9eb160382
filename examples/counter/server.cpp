// One member of a group that keeps a counter.
//
//   counter-server --counter-id 127.0.0.1:8701 --counter-peers 127.0.0.1:8701,127.0.0.1:8702,127.0.0.1:8703 --counter-data /tmp/counter1
#include "sofa/state/raft/server.h"
#include "counter.h"
#include "sofa/boot/application.h"
#include "sofa/raft_admin/raft_part.h"
#include "sofa/state/raft/client.h"

namespace {

using namespace sofa;
using io::or_return;

struct Options {
  std::string id, peers, data, listen;
  int64_t snapshot_secs = 3600;
  static auto describe(Description<Options>& d) {
    d.field("id", &Options::id).doc("this node, IP:PORT, as it stands in the peers, and as the others reach it").required();
    d.field("peers", &Options::peers).doc("the members of the new group, with commas between; the same for each of them").required();
    d.field("data", &Options::data).doc("folder of its log and its snapshots").required();
    d.field("listen", &Options::listen).doc("IP:PORT where it listens when that is not its id: behind a NAT, or on 0.0.0.0");
    d.field("snapshot_secs", &Options::snapshot_secs).range(0, 1'000'000).unit("seconds").doc("between snapshots; 0: none by time");
  }
};

// region: member
class Member {
 public:
  explicit Member(Options options) : options_(std::move(options)) {}

  io::Task<Result<void>> start() {
    auto serving = co_await serve();
    if (!serving) [[maybe_unused]]
      const auto stopped = co_await stop();
    co_return serving;
  }
  io::Task<Result<void>> stop() {
    const auto server = std::exchange(server_, nullptr);
    if (server != nullptr) co_await or_return(server->stop());  // hands leadership over
    co_return Result<void>();
  }
  raft::Server* server() { return server_.get(); }

 private:
  io::Task<Result<void>> serve() {
    raft::NodeOptions group{.group = "counter", .initial = co_await or_return(jraft::read_members(options_.peers))};
    group.snapshot_interval = std::chrono::seconds(options_.snapshot_secs);
    group.sessions = true;  // a client in doubt sends its entry again, and it counts once

    raft::ServerOptions server{.folder = options_.data, .address = options_.id, .owner = "counter", .bind = options_.listen};
    server_ = co_await or_return(raft::Server::open(std::move(server), {{std::string(raft::ClientRequest::kName), &clients_}}));

    auto machine = std::make_unique<counter::Counter>();
    const counter::Counter& state = *machine;
    raft::Node* node = co_await or_return(server_->start(std::move(group), std::move(machine)));
    clients_.serve(*node, [&state](const Bytes&) -> Result<Bytes> { return counter::encode(state.value()); });
    co_return Result<void>();
  }

  const Options options_;
  raft::ClientService clients_;
  std::unique_ptr<raft::Server> server_;
};
// endregion

}  // namespace

// region: main
int main(int argc, char** argv) {
  boot::Application app("counter-server", "One member of a group that keeps a counter.");
  std::weak_ptr<Member> member;
  app.component("counter", [&member](Options options) {
    auto made = std::make_shared<Member>(std::move(options));
    member = made;
    return made;
  });
  app.on_admin([&member](admin::AdminServer& admin) {  // what its groups do, on the admin port, in metrics and on the console
    raft::show_groups(admin, [&member] { return member.expired() ? nullptr : member.lock()->server(); });
  });
  return app.run(argc, argv);
}
// endregion
