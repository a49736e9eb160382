#pragma once
// Servers of one group in one process, on loopback, each on a disk in memory that can fail and forget.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sofa/io/runtime.h"
#include "sofa/state/log/testing/fault_file_system.h"
#include "sofa/state/raft/cli.h"
#include "sofa/state/raft/client.h"
#include "sofa/state/raft/server.h"
#include "sofa/state/raft/snapshot.h"

namespace sofa::raft::testing {

/// Runs `test()`, which returns a Task<void>, on the one shard of a fresh runtime.
template <class F>
void on_shard(F test) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  runtime.block_on(test());
}

/// Waits until `holds()`, for 20 s at most.
template <class F>
io::Task<bool> eventually(F holds) {
  const Instant until = io::Shard::current().now() + std::chrono::seconds(20);
  while (!holds()) {
    if (io::Shard::current().now() > until || !co_await io::sleep_for(std::chrono::milliseconds(2))) co_return false;
  }
  co_return true;
}

/// It leads, and its first entry is committed: it takes reads.
inline bool serves(const Node& node) {
  const Core& core = node.core();
  return core.role() == Role::leader && core.log().term_of(core.commit_index()) == core.term();
}

/// An address on loopback that nobody listens on at the moment; `host`: "[::1]" for IPv6.
inline std::string free_address(const std::string& host = "127.0.0.1") {
  sockaddr_storage raw{};
  socklen_t size = io::Address::parse(host + ":0").value().to_sockaddr(raw).value();
  const int fd = ::socket(raw.ss_family, SOCK_STREAM, 0);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&raw), size), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size);
  ::close(fd);
  return io::Address::from_sockaddr(raw, size).to_string();
}

/// Its state is the text of all entries; a reply is the number of commas.
class TextMachine : public StateMachine {
 public:
  std::string text;
  int loads = 0;
  void apply(Batch& batch) override {
    for (Committed& one : batch) {
      if (one.data().text() == "throw") throw std::runtime_error("the test says so");
      text += one.data().text();
      if (one.is_waited_for()) one.reply(Bytes::copy_of(std::to_string(std::ranges::count(text, ','))));
    }
  }
  io::Task<Result<void>> save(SnapshotWriter& to) override { co_return co_await to.put("data", Bytes::copy_of(text)); }
  io::Task<Result<void>> load(SnapshotReader& from) override {
    text = (co_await io::or_return(from.get("data"))).text();
    ++loads;
    co_return Result<void>{};
  }
};

class RaftCluster {
 public:
  explicit RaftCluster(int size, const std::string& host = "127.0.0.1") {
    for (int i = 0; i < size; ++i) {
      Member& one = members_.emplace_back();
      one.address = free_address(host);
      one.disk = std::make_unique<log::testing::FaultFileSystem>(static_cast<uint64_t>(i) + 1);
      initial_.peers.push_back(*PeerId::parse(one.address));
    }
  }

  /// Of every node that is started from now on.
  NodeOptions options{};
  /// Of every server.
  std::optional<ServerTls> tls{};

  io::Task<void> start(int i) {
    Member& one = members_[static_cast<size_t>(i)];
    ServerOptions server_options{.folder = "/data", .address = one.address, .tls = tls, .files = one.disk.get()};
    server_options.log = {
        .folder = {}, .segment_bytes = 256 << 10, .max_record_bytes = 64 << 10, .max_batch_bytes = 64 << 10, .control_reserve_bytes = 8 << 10};
    one.clients = std::make_unique<ClientService>();
    auto server = co_await Server::open(std::move(server_options), {{std::string(ClientRequest::kName), one.clients.get()}});
    EXPECT_TRUE(server) << server.error().to_string();
    if (!server) co_return;
    one.server = std::move(*server);
    co_await start_member(one, "test");
  }
  io::Task<void> start_group(std::string group) {
    for (Member& one : members_) co_await start_member(one, group);
  }
  io::Task<void> start_all() {
    for (size_t i = 0; i < members_.size(); ++i) co_await start(static_cast<int>(i));
  }
  io::Task<void> stop(int i) {
    Member& one = members_[static_cast<size_t>(i)];
    if (one.server == nullptr) co_return;
    EXPECT_TRUE(co_await one.server->stop());
    one.server = nullptr;
  }
  io::Task<void> stop_all() {
    for (size_t i = 0; i < members_.size(); ++i) co_await stop(static_cast<int>(i));
  }
  io::Task<void> restart(int i) {
    co_await stop(i);
    co_await start(i);
  }
  io::Task<void> wipe(int i) {
    co_await stop(i);
    members_[static_cast<size_t>(i)].disk = std::make_unique<log::testing::FaultFileSystem>(99);
  }
  /// What each disk has at this moment, without what is not synced; then the servers end.
  io::Task<void> cut_power_of_all() {
    std::vector<std::unique_ptr<log::testing::FaultFileSystem>> left;
    for (Member& one : members_) left.push_back(one.disk->after_power_cut(log::testing::Survival::torn, ++cuts_));
    co_await stop_all();
    for (size_t i = 0; i < members_.size(); ++i) members_[i].disk = std::move(left[i]);
  }

  const jraft::Configuration& members() const { return initial_; }
  Node& node(int i) { return *member(i, "test"); }
  Server& server(int i) { return *members_[static_cast<size_t>(i)].server; }
  log::testing::FaultFileSystem& disk(int i) { return *members_[static_cast<size_t>(i)].disk; }
  TextMachine& machine(int i) { return static_cast<TextMachine&>(node(i).machine()); }
  TextMachine& machine_of(Node& node) { return static_cast<TextMachine&>(node.machine()); }
  int index_of(const Node& node) {
    for (size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].address == node.self().address()) return static_cast<int>(i);
    }
    return -1;
  }
  /// Waits for one whose first entry is committed.
  io::Task<Node*> leader(std::string group = "test") {
    Node* found = nullptr;
    EXPECT_TRUE(co_await eventually([&] {
      for (size_t i = 0; i < members_.size(); ++i) {
        Node* const one = members_[i].server == nullptr ? nullptr : member(static_cast<int>(i), group);
        if (one != nullptr && serves(*one)) found = one;
      }
      return found != nullptr;
    }));
    co_return found;
  }

 private:
  struct Member {
    std::string address;
    std::unique_ptr<log::testing::FaultFileSystem> disk;
    std::unique_ptr<ClientService> clients;
    std::unique_ptr<Server> server;
  };
  io::Task<void> start_member(Member& one, std::string group) {
    NodeOptions own = options;
    own.group = std::move(group);
    own.initial = initial_;
    own.election_timeout = std::chrono::milliseconds(300);
    own.max_election_delay = std::chrono::milliseconds(300);
    own.max_entry_bytes = 48 << 10;
    auto node = co_await one.server->start(std::move(own), std::make_unique<TextMachine>());
    EXPECT_TRUE(node) << node.error().to_string();
    if (!node) co_return;
    TextMachine& text = machine_of(**node);
    one.clients->serve(**node, [&text](const Bytes& question) -> Result<Bytes> {
      if (question.text() != "text") return fail(Code::invalid_argument, "'{}' is no question", question.text());
      return Bytes::copy_of(text.text);
    });
  }
  Node* member(int i, std::string_view group) {
    Member& one = members_[static_cast<size_t>(i)];
    return one.server->find(group, *PeerId::parse(one.address));
  }

  std::vector<Member> members_;
  jraft::Configuration initial_;
  uint64_t cuts_ = 0;
};

}  // namespace sofa::raft::testing
