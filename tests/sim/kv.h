#pragma once
// The lab's state machine (docs/protocols/jraft.md, 6.1): a map, changed by commands, with sessions: a command that comes again with the number that
// its client has used is not carried out again, and gets the same result. Its hash is kept up with every change, so that states are compared at once.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sofa/base/bytes.h"

namespace sofa::raft_sim {

enum class Op : uint8_t { put = 1, add, cas, remove, append };

struct Command {
  uint64_t client = 0, number = 0;  // of a session; number 0: none
  Op op{};
  std::string key{}, value{};
  std::optional<std::string> expected{};  // of cas; nothing: the key must be absent
};
Bytes encode(const Command& command);
/// Nothing: these bytes are no command, and change nothing.
std::optional<Command> decode_command(ByteSpan bytes);

class Kv {
 public:
  /// Carries a command out, at an index. The result as the lab answers it; `index` becomes where it was carried out first.
  std::string apply(const Command& command, int64_t& index);
  std::optional<std::string> get(const std::string& key) const;
  uint64_t hash() const { return hash_; }
  size_t size() const { return map_.size(); }

  Bytes encode_map() const;
  Bytes encode_sessions() const;
  /// False: these bytes are no snapshot.
  bool load(ByteSpan map, ByteSpan sessions);

 private:
  struct Session {
    uint64_t number = 0;
    int64_t index = 0;
    std::string result{};
  };
  std::string carry_out(const Command& command);
  void set(const std::string& key, std::optional<std::string> value);
  static uint64_t hash_of(std::string_view key, std::string_view value);
  static uint64_t hash_of(uint64_t client, const Session& session);

  std::map<std::string, std::string> map_;
  std::map<uint64_t, Session> sessions_;
  uint64_t hash_ = 0;
};

}  // namespace sofa::raft_sim
