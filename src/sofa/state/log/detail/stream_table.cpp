#include "sofa/state/log/detail/stream_table.h"

namespace sofa::log::detail {

namespace {
// A table that names more entries than this which are nowhere is not believed (and would cost memory without bound).
constexpr uint64_t kMostMissing = 1 << 24;
}  // namespace

const Stream* StreamTable::find(uint64_t stream) const {
  auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : &found->second;
}

const char* StreamTable::apply(const RecordHeader& header, ByteSpan payload, const Location& at, const Bytes& cached) {
  if (header.kind == Kind::seal) return nullptr;
  if (header.kind == Kind::streams) return apply_bounds(payload);
  Stream& stream = streams_[header.stream];
  switch (header.kind) {
    case Kind::truncate_suffix:
      cut_suffix(stream, header.index);
      break;
    case Kind::truncate_prefix:
      if (header.index == UINT64_MAX) return "a prefix truncation up to the largest number";
      cut_prefix(stream, header.index);
      break;
    default:
      if (const char* wrong = apply_entry(stream, header, at, cached)) return wrong;
  }
  return nullptr;
}

const char* StreamTable::apply_bounds(ByteSpan payload) {
  auto bounds = decode_bounds(payload);
  if (!bounds) return "a table of streams that is not well formed";
  uint64_t missing = 0;
  for (const StreamBounds& b : *bounds) {
    auto [found, added] = streams_.try_emplace(b.stream);
    Stream& stream = found->second;
    if (!added) {
      if (stream.first != b.first || stream.next() != b.next) return "a table of streams that contradicts the records before it";
      continue;
    }
    missing += b.next - b.first;
    if (missing > kMostMissing) return "a table of streams that names more entries than a log may lack";
    stream.first = b.first;
    stream.entries.resize(b.next - b.first);
  }
  return nullptr;
}

const char* StreamTable::apply_entry(Stream& stream, const RecordHeader& header, const Location& at, const Bytes& cached) {
  if (header.index < stream.first || header.index > stream.next()) return "an entry that leaves a hole in its stream";
  if (header.index == stream.next()) {
    if (header.kind == Kind::moved) return "a moved entry that its stream does not have";
    stream.entries.emplace_back();
  }
  Entry& entry = stream.entries[header.index - stream.first];
  if (header.kind == Kind::entry && entry.at.segment != 0) return "an index that its stream has already";
  if (entry.at.segment != 0) {
    auto& old = live_[entry.at.segment];
    --old.records;
    old.bytes -= record_size(entry.at.length);
  }
  entry.term = header.term;
  entry.at = at;
  count(at);
  if (!cached.empty() && entry.cached.empty()) cache(header.stream, header.index, entry, cached);
  return nullptr;
}

void StreamTable::cut_suffix(Stream& stream, uint64_t from) {
  while (!stream.entries.empty() && stream.next() > from) {
    forget(stream.entries.back());
    stream.entries.pop_back();
  }
}

void StreamTable::cut_prefix(Stream& stream, uint64_t upto) {
  while (!stream.entries.empty() && stream.first <= upto) {
    forget(stream.entries.front());
    stream.entries.pop_front();
    ++stream.first;
  }
  if (stream.entries.empty() && stream.first <= upto) stream.first = upto + 1;
}

void StreamTable::count(const Location& at) {
  auto& live = live_[at.segment];
  ++live.records;
  live.bytes += record_size(at.length);
}

void StreamTable::forget(Entry& entry) {
  cached_bytes_ -= entry.cached.size();
  if (entry.at.segment == 0) return;
  auto found = live_.find(entry.at.segment);
  found->second.bytes -= record_size(entry.at.length);
  if (--found->second.records == 0) live_.erase(found);
}

void StreamTable::cache(uint64_t stream, uint64_t index, Entry& entry, const Bytes& payload) {
  if (payload.size() > cache_limit_) return;
  entry.cached = payload;
  cached_bytes_ += payload.size();
  cache_order_.emplace_back(stream, index);
  // An item of the order whose entry is gone (or was cut and written again) frees what it finds, or nothing; the bound holds in every case.
  while (cached_bytes_ > cache_limit_ && !cache_order_.empty()) {
    const auto [old_stream, old_index] = cache_order_.front();
    cache_order_.pop_front();
    auto found = streams_.find(old_stream);
    if (found == streams_.end() || old_index < found->second.first || old_index >= found->second.next()) continue;
    Bytes& old = found->second.entries[old_index - found->second.first].cached;
    cached_bytes_ -= old.size();
    old = {};
  }
  // Entries that left by truncation leave stale items behind: drop those at the front, so that the order stays as short as the cache.
  while (!cache_order_.empty()) {
    const auto [old_stream, old_index] = cache_order_.front();
    auto found = streams_.find(old_stream);
    const bool present = found != streams_.end() && old_index >= found->second.first && old_index < found->second.next();
    if (present && !found->second.entries[old_index - found->second.first].cached.empty()) break;
    cache_order_.pop_front();
  }
}

std::optional<std::pair<uint64_t, uint64_t>> StreamTable::missing() const {
  for (const auto& [id, stream] : streams_) {
    for (size_t i = 0; i < stream.entries.size(); ++i) {
      if (stream.entries[i].at.segment == 0) return std::pair{id, stream.first + i};
    }
  }
  return std::nullopt;
}

void StreamTable::reset_staged() {
  for (auto& [id, stream] : streams_) {
    stream.staged_first = stream.first;
    stream.staged_next = stream.next();
    stream.staged_cuts = 0;
  }
}

std::vector<StreamBounds> StreamTable::bounds() const {
  std::vector<StreamBounds> all;
  all.reserve(streams_.size());
  for (const auto& [id, stream] : streams_) all.push_back({id, stream.first, stream.next()});
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.stream < b.stream; });
  return all;
}

LiveCount StreamTable::live(uint64_t segment) const {
  auto found = live_.find(static_cast<uint32_t>(segment));
  return found == live_.end() ? LiveCount{} : found->second;
}

std::vector<std::pair<uint64_t, uint64_t>> StreamTable::entries_of(uint64_t segment) const {
  std::vector<std::pair<uint64_t, uint64_t>> found;
  for (const auto& [id, stream] : streams_) {
    for (size_t i = 0; i < stream.entries.size(); ++i) {
      if (stream.entries[i].at.segment == segment) found.emplace_back(id, stream.first + i);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sofa::log::detail
