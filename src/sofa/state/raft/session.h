#pragma once
// Sessions: what a group remembers of its clients, so that a write that is sent again is not applied again. Part of the replicated state: every
// member comes to the same sessions from the same log, and they are in its snapshots.
//
// A session is a client's random number; its writes are numbered from 1, one at a time. The newest number and its reply are kept. The first write
// makes the session; when there are more than `most` the one that was used longest ago goes, by the log and not by a clock. A later write of a
// session that is not known any more is refused, never applied.
//
// Entries of a group with sessions begin with a byte: 0 | data, or 1 | session 8 | number 8 | data.

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::raft {

/// One write of a session.
struct SessionWrite {
  uint64_t session = 0;
  uint64_t number = 0;  ///< from 1
  bool operator==(const SessionWrite&) const = default;
};

Bytes encode_write(const std::optional<SessionWrite>& of, ByteSpan data);
struct DecodedWrite {
  std::optional<SessionWrite> of{};
  Bytes data{};
};
/// Errors: data_loss.
Result<DecodedWrite> decode_write(const Bytes& entry);

class Sessions {
 public:
  /// The same on every member of a group, or their sessions differ.
  static constexpr size_t kMost = 100'000;
  explicit Sessions(size_t most = kMost) : most_(most) {}

  enum class Verdict : uint8_t {
    fresh,      ///< apply it, then remember()
    repeated,   ///< it is applied: its reply is here
    outdated,   ///< a later one has been applied: its reply is not here any more
    forgotten,  ///< the session is not known, and this is not its first write
  };
  Verdict judge(const SessionWrite& write) const;
  /// Of a repeated one.
  const Bytes& reply_of(const SessionWrite& write) const { return sessions_.at(write.session)->reply; }
  void remember(const SessionWrite& write, Bytes reply);
  size_t size() const { return sessions_.size(); }

  Bytes encode() const;
  /// Errors: data_loss.
  Result<void> decode(const Bytes& bytes);

 private:
  struct Session {
    uint64_t id = 0, number = 0;
    Bytes reply{};
  };
  const size_t most_;
  std::list<Session> by_use_;  // used longest ago first
  std::unordered_map<uint64_t, std::list<Session>::iterator> sessions_;
};

}  // namespace sofa::raft
