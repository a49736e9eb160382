#pragma once
// Where every live entry of every stream is, and how much of each segment is alive. Belongs to one thread (recovery, then the log's shard).

#include <deque>
#include <map>
#include <unordered_map>

#include "sofa/base/queue.h"
#include "sofa/state/log/detail/places.h"

namespace sofa::log::detail {

struct Stream {
  uint64_t first = 1;
  Places entries;
  Queue<Bytes> cached;        // payloads of the last entries, empty where one is not kept
  uint64_t staged_first = 1;  // bounds with all that waits for the disk
  uint64_t staged_next = 1;
  uint32_t staged_cuts = 0;  // suffix truncations on their way: no entry may be moved meanwhile
  uint64_t next() const { return first + entries.size(); }
  uint64_t cached_from() const { return next() - cached.size(); }
  /// Of an entry; empty when it is not in memory.
  Bytes cached_payload(uint64_t index) const { return index < cached_from() ? Bytes() : cached[index - cached_from()]; }
};

struct LiveCount {
  uint64_t records = 0;
  uint64_t bytes = 0;
};

class StreamTable {
 public:
  explicit StreamTable(uint64_t cache_bytes = 0) : cache_limit_(cache_bytes) {}

  const Stream* find(uint64_t stream) const;
  Stream& get(uint64_t stream) { return streams_[stream]; }
  const std::unordered_map<uint64_t, Stream>& streams() const { return streams_; }

  /// Takes a durable record into account. An error text when it contradicts what came before (a hole, an index used twice, a bad table).
  /// `payload` is kept in the cache when it owns bytes (recovery passes an empty one: it caches nothing).
  const char* apply(const RecordHeader& header, ByteSpan payload, const Location& at, const Bytes& cached);
  /// Of the number that an entry has.
  uint64_t term_of(uint32_t number) const { return terms_[number]; }
  /// An entry that some table named and no record held; none when complete.
  std::optional<std::pair<uint64_t, uint64_t>> missing() const;
  /// Forgets what was staged: the bounds of the disk are the bounds again.
  void reset_staged();
  std::vector<StreamBounds> bounds() const;
  LiveCount live(uint64_t segment) const;
  uint64_t cached_bytes() const { return cached_bytes_; }
  /// (stream, index) of every live entry in the segment.
  std::vector<std::pair<uint64_t, uint64_t>> entries_of(uint64_t segment) const;

 private:
  const char* apply_bounds(ByteSpan payload);
  const char* apply_entry(Stream& stream, const RecordHeader& header, const Location& at, const Bytes& cached);
  void cut_suffix(Stream& stream, uint64_t from);
  void cut_prefix(Stream& stream, uint64_t upto);
  void forget(const Entry& entry);
  void count(const Location& at);
  uint32_t number_of(uint64_t term);
  void cache(uint64_t id, Stream& stream, const Bytes& payload);
  void forget_first_cached(Stream& stream);

  std::unordered_map<uint64_t, Stream> streams_;
  std::map<uint32_t, LiveCount> live_;
  std::vector<uint64_t> terms_{0};
  std::unordered_map<uint64_t, uint32_t> term_numbers_{{0, 0}};
  std::deque<std::pair<uint64_t, uint64_t>> cache_order_;  // stream and index, oldest first
  uint64_t cached_bytes_ = 0;
  uint64_t cache_limit_;
};

}  // namespace sofa::log::detail
