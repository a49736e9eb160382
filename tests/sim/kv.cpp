#include "kv.h"

#include <charconv>

namespace sofa::raft_sim {

namespace {

constexpr uint8_t kWithSession = 0x20;  // | client 8 | number 8 | the lab's command

uint64_t mix(uint64_t hash) {
  hash ^= hash >> 31;
  hash *= 0x7fb5d329728ea185;
  return hash ^ hash >> 27;
}
uint64_t hash_text(std::string_view text, uint64_t seed) { return mix(seed ^ std::hash<std::string_view>()(text)); }

class Reader {
 public:
  explicit Reader(ByteSpan bytes) : left_(bytes) {}
  uint64_t number(size_t size) {
    uint64_t value = 0;
    if (left_.size() < size) good_ = false;
    for (size_t i = 0; good_ && i < size; ++i) value = value << 8 | left_[i];
    if (good_) left_ = left_.subspan(size);
    return value;
  }
  std::string text(size_t size) {
    if (left_.size() < size) good_ = false;
    if (!good_) return {};
    std::string text(as_text(left_.first(size)));
    left_ = left_.subspan(size);
    return text;
  }
  std::string rest() { return text(left_.size()); }
  bool good() const { return good_; }
  bool done() const { return left_.empty(); }

 private:
  ByteSpan left_;
  bool good_ = true;
};

}  // namespace

Bytes encode(const Command& command) {
  Buffer out(64);
  if (command.number != 0) {
    out.append_u8(kWithSession);
    out.append_be64(command.client);
    out.append_be64(command.number);
  }
  out.append_u8(static_cast<uint8_t>(command.op));
  out.append_be16(static_cast<uint16_t>(command.key.size()));
  out.append(as_bytes(command.key));
  if (command.op == Op::cas) {
    out.append_be32(command.expected ? static_cast<uint32_t>(command.expected->size()) : 0xffffffff);
    if (command.expected) out.append(as_bytes(*command.expected));
  }
  if (command.op == Op::add) {
    int64_t delta = 0;
    std::from_chars(command.value.data(), command.value.data() + command.value.size(), delta);
    out.append_be64(static_cast<uint64_t>(delta));
  } else if (command.op != Op::remove) {
    out.append(as_bytes(command.value));
  }
  return out.take();
}

std::optional<Command> decode_command(ByteSpan bytes) {
  Reader in(bytes);
  Command command;
  uint64_t op = in.number(1);
  if (op == kWithSession) {
    command.client = in.number(8);
    command.number = in.number(8);
    op = in.number(1);
  }
  if (op < 1 || op > static_cast<uint64_t>(Op::append)) return std::nullopt;
  command.op = static_cast<Op>(op);
  command.key = in.text(in.number(2));
  if (command.op == Op::cas) {
    const uint64_t length = in.number(4);
    if (length != 0xffffffff) command.expected = in.text(length);
  }
  command.value = command.op == Op::add ? std::to_string(static_cast<int64_t>(in.number(8))) : in.rest();
  if (!in.good()) return std::nullopt;
  return command;
}

uint64_t Kv::hash_of(std::string_view key, std::string_view value) { return hash_text(value, hash_text(key, 1)); }
uint64_t Kv::hash_of(uint64_t client, const Session& session) {
  return hash_text(session.result, mix(client * 31 + session.number) ^ static_cast<uint64_t>(session.index));
}

void Kv::set(const std::string& key, std::optional<std::string> value) {
  const auto found = map_.find(key);
  if (found != map_.end()) hash_ ^= hash_of(key, found->second);
  if (value) {
    hash_ ^= hash_of(key, *value);
    map_[key] = std::move(*value);
  } else if (found != map_.end()) {
    map_.erase(found);
  }
}

std::optional<std::string> Kv::get(const std::string& key) const {
  const auto found = map_.find(key);
  return found == map_.end() ? std::nullopt : std::optional(found->second);
}

std::string Kv::carry_out(const Command& command) {
  const std::optional<std::string> now = get(command.key);
  switch (command.op) {
    case Op::put:
      set(command.key, command.value);
      return "\x01";
    case Op::add: {
      const std::string sum = std::to_string((now ? std::strtoll(now->c_str(), nullptr, 10) : 0) + std::strtoll(command.value.c_str(), nullptr, 10));
      set(command.key, sum);
      return sum;
    }
    case Op::cas:
      if (now != command.expected) return std::string(1, '\0');
      set(command.key, command.value);
      return "\x01";
    case Op::remove:
      set(command.key, std::nullopt);
      return "\x01";
    case Op::append:
      set(command.key, now.value_or("") + command.value);
      return "\x01";
  }
  return {};
}

std::string Kv::apply(const Command& command, int64_t& index) {
  if (command.number == 0) return carry_out(command);
  Session& session = sessions_[command.client];
  if (command.number <= session.number) {
    index = session.index;
    return session.result;
  }
  if (session.number != 0) hash_ ^= hash_of(command.client, session);
  session = {.number = command.number, .index = index, .result = carry_out(command)};
  hash_ ^= hash_of(command.client, session);
  return session.result;
}

Bytes Kv::encode_map() const {
  Buffer out(1024);
  for (const auto& [key, value] : map_) {
    out.append_be32(static_cast<uint32_t>(key.size()));
    out.append(as_bytes(key));
    out.append_be32(static_cast<uint32_t>(value.size()));
    out.append(as_bytes(value));
  }
  return out.take();
}

Bytes Kv::encode_sessions() const {
  Buffer out(256);
  for (const auto& [client, session] : sessions_) {
    out.append_be64(client);
    out.append_be64(session.number);
    out.append_be64(static_cast<uint64_t>(session.index));
    out.append_be32(static_cast<uint32_t>(session.result.size()));
    out.append(as_bytes(session.result));
  }
  return out.take();
}

bool Kv::load(ByteSpan map, ByteSpan sessions) {
  *this = {};
  Reader of_map(map);
  while (of_map.good() && !of_map.done()) {
    const std::string key = of_map.text(of_map.number(4));
    set(key, of_map.text(of_map.number(4)));
  }
  Reader of_sessions(sessions);
  while (of_sessions.good() && !of_sessions.done()) {
    const uint64_t client = of_sessions.number(8);
    Session session{.number = of_sessions.number(8), .index = static_cast<int64_t>(of_sessions.number(8))};
    session.result = of_sessions.text(of_sessions.number(4));
    hash_ ^= hash_of(client, session);
    sessions_[client] = std::move(session);
  }
  return of_map.good() && of_sessions.good();
}

}  // namespace sofa::raft_sim
