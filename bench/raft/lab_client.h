#pragma once
// A client of the Raft lab's protocol (docs/protocols/jraft.md, the lab) for loads: it follows the leader, and takes whatever is not "done" for an
// error.
//
//   LabClient client({"127.0.0.1:7101", "127.0.0.1:7102"}, 16);
//   co_await io::or_return(client.open());
//   co_await io::or_return(client.ask(caller, put_of("key", value)));

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/io/scope.h"
#include "sofa/io/shard.h"
#include "sofa/transport/pool.h"

namespace sofa::bench {

inline Bytes lab_op(uint8_t op, std::string_view key, std::string_view rest = {}) {
  Buffer out(3 + key.size() + rest.size());
  out.append_u8(op);
  out.append_be16(static_cast<uint16_t>(key.size()));
  out.append(key);
  out.append(rest);
  return out.take();
}
inline Bytes put_of(std::string_view key, std::string_view value) { return lab_op(0x01, key, value); }
inline Bytes get_of(std::string_view key) { return lab_op(0x10, key); }

/// Belongs to its shard; closed before it is destroyed.
class LabClient {
 public:
  LabClient(const std::vector<std::string>& peers, uint32_t connections, Duration timeout)
      : pool_(options_of(connections), Random(system_seed())), timeout_(timeout) {
    for (const std::string& peer : peers) nodes_.push_back(io::Address::parse(peer).value());
  }

  /// Asks the leader; while there is none, or another, looks for it until the timeout. A write whose answer is lost is not sent again.
  io::Task<Result<void>> ask(Bytes request) {
    const Deadline deadline = io::Shard::current().now() + timeout_;
    for (;;) {
      auto answer = co_await ask_once(request);
      if (!answer) co_return forward_error(answer);
      if (answer->empty()) co_return fail(Code::internal, "an answer without a status");
      const std::string_view rest = answer->text().substr(1);
      switch ((*answer)[0]) {
        case 0:
        case 3:
          co_return Result<void>();
        case 1:
          turn_to(rest);
          break;
        default:
          co_return fail(Code::aborted, "{}", rest);
      }
      if (io::Shard::current().now() >= deadline) co_return fail(Code::unavailable, "no node leads");
      co_await io::or_return(io::sleep_for(std::chrono::milliseconds(1)));
    }
  }

  /// The next node, in turn, for those who find none that answers.
  void turn() { leader_ = (leader_ + 1) % nodes_.size(); }
  const io::Address& leader() const { return nodes_[leader_]; }
  io::Task<void> close() { return pool_.close(); }

 private:
  static transport::PoolOptions options_of(uint32_t connections) {
    transport::PoolOptions options;
    options.connections_per_address = connections;
    options.backoff.most = std::chrono::milliseconds(50);
    return options;
  }

  io::Task<Result<Bytes>> ask_once(const Bytes& request) {
    auto session = pool_.try_get(nodes_[leader_]);
    if (session == nullptr) {
      auto got = co_await pool_.get(nodes_[leader_]);
      if (!got) {
        turn();
        co_return forward_error(got);
      }
      session = *std::move(got);
    }
    auto answer = co_await session->call({.class_name = "sofa.lab.KvRequest", .header = {}, .content = request, .timeout = timeout_});
    if (!answer) {
      turn();
      co_return forward_error(answer);
    }
    if (!answer->ok()) co_return fail(Code::unavailable, "status {}", to_string(answer->status()));
    co_return answer->frame.content_bytes();
  }

  void turn_to(std::string_view leader) {
    const auto address = io::Address::parse(leader);
    const auto at = address ? std::ranges::find(nodes_, *address) : nodes_.end();
    if (at == nodes_.end()) return turn();
    leader_ = static_cast<size_t>(at - nodes_.begin());
  }

  transport::ConnectionPool pool_;
  const Duration timeout_;
  std::vector<io::Address> nodes_;
  size_t leader_ = 0;
};

}  // namespace sofa::bench
