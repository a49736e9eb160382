#include "sofa/state/raft/session.h"

namespace sofa::raft {

namespace {

constexpr size_t kHead = 1 + 8 + 8;

uint64_t be64_at(ByteSpan bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | bytes[at + i];
  return value;
}

}  // namespace

Bytes encode_write(const std::optional<SessionWrite>& of, ByteSpan data) {
  Buffer out(kHead + data.size());
  out.append_u8(of ? 1 : 0);
  if (of) {
    out.append_be64(of->session);
    out.append_be64(of->number);
  }
  out.append(data);
  return out.take();
}

Result<DecodedWrite> decode_write(const Bytes& entry) {
  if (!entry.empty() && entry[0] == 0) return DecodedWrite{.data = entry.slice(1)};
  if (entry.size() < kHead || entry[0] != 1) {
    return fail(Code::data_loss,
                "an entry of {} bytes is no write of a group with sessions: were they switched on in a group that had entries before?", entry.size());
  }
  return DecodedWrite{.of = SessionWrite{.session = be64_at(entry, 1), .number = be64_at(entry, 9)}, .data = entry.slice(kHead)};
}

Sessions::Verdict Sessions::judge(const SessionWrite& write) const {
  const auto found = sessions_.find(write.session);
  if (found == sessions_.end()) return write.number == 1 ? Verdict::fresh : Verdict::forgotten;
  if (write.number > found->second->number) return Verdict::fresh;
  return write.number == found->second->number ? Verdict::repeated : Verdict::outdated;
}

void Sessions::remember(const SessionWrite& write, Bytes reply) {
  const auto found = sessions_.find(write.session);
  if (found == sessions_.end()) {
    sessions_[write.session] = by_use_.insert(by_use_.end(), {.id = write.session, .number = write.number, .reply = std::move(reply)});
    if (by_use_.size() <= most_) return;
    sessions_.erase(by_use_.front().id);
    by_use_.pop_front();
    return;
  }
  by_use_.splice(by_use_.end(), by_use_, found->second);
  found->second->number = write.number;
  found->second->reply = std::move(reply);
}

/// In the order of use: session 8 | number 8 | length 4 | reply, one after another.
Bytes Sessions::encode() const {
  Buffer out;
  for (const Session& one : by_use_) {
    out.append_be64(one.id);
    out.append_be64(one.number);
    out.append_be32(static_cast<uint32_t>(one.reply.size()));
    out.append(one.reply.span());
  }
  return out.take();
}

Result<void> Sessions::decode(const Bytes& bytes) {
  by_use_.clear();
  sessions_.clear();
  for (size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < 20) return fail(Code::data_loss, "the sessions of a snapshot end in the middle of one");
    const uint64_t id = be64_at(bytes.span(), at), number = be64_at(bytes.span(), at + 8);
    const size_t length = be64_at(bytes.span(), at + 12) & 0xffffffff;
    at += 20;
    if (bytes.size() - at < length) return fail(Code::data_loss, "the sessions of a snapshot end in the middle of a reply");
    remember({.session = id, .number = number}, Bytes::copy_of(bytes.span().subspan(at, length)));
    at += length;
  }
  return {};
}

}  // namespace sofa::raft
