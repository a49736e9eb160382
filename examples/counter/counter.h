#pragma once
// A counter that a group of nodes keeps: entries add to it, all nodes come to the same value.

#include <charconv>
#include <string>

#include "sofa/state/raft/snapshot.h"
#include "sofa/state/raft/state_machine.h"

namespace counter {

using namespace sofa;

// region: numbers
inline Bytes encode(int64_t number) { return Bytes::copy_of(std::to_string(number)); }

inline Result<int64_t> decode(const Bytes& bytes) {
  int64_t number = 0;
  const std::string_view text = bytes.text();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return fail(Code::invalid_argument, "'{}' is no number", text);
  return number;
}
// endregion

// region: machine
class Counter final : public raft::StateMachine {
 public:
  int64_t value() const { return value_; }

  void apply(raft::Batch& batch) override {
    for (raft::Committed& one : batch) {
      const auto delta = decode(one.data());
      if (delta) value_ = static_cast<int64_t>(static_cast<uint64_t>(value_) + static_cast<uint64_t>(*delta));  // wraps on every node alike
      one.reply(encode(value_));
    }
  }
  io::Task<Result<void>> save(raft::SnapshotWriter& to) override { co_return co_await to.put("data", encode(value_)); }
  io::Task<Result<void>> load(raft::SnapshotReader& from) override {
    value_ = co_await io::or_return(decode(co_await io::or_return(from.get("data"))));
    co_return Result<void>();
  }

 private:
  int64_t value_ = 0;
};
// endregion

}  // namespace counter
