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
    stream.entries.push_unknown(b.next - b.first);
  }
  return nullptr;
}

const char* StreamTable::apply_entry(Stream& stream, const RecordHeader& header, const Location& at, const Bytes& cached) {
  if (header.index < stream.first || header.index > stream.next()) return "an entry that leaves a hole in its stream";
  const Entry entry{.at = at, .term = number_of(header.term)};
  if (header.index == stream.next()) {
    if (header.kind == Kind::moved) return "a moved entry that its stream does not have";
    stream.entries.push_back(entry);
  } else {
    const size_t place = header.index - stream.first;
    const Entry before = stream.entries[place];
    if (header.kind == Kind::entry && before.at.segment != 0) return "an index that its stream has already";
    forget(before);
    stream.entries.set(place, entry);
  }
  count(at);
  if (header.index + 1 == stream.next() && header.kind == Kind::entry) cache(header.stream, stream, cached);
  return nullptr;
}

uint32_t StreamTable::number_of(uint64_t term) {
  const auto [found, added] = term_numbers_.try_emplace(term, static_cast<uint32_t>(terms_.size()));
  if (added) terms_.push_back(term);
  return found->second;
}

void StreamTable::cut_suffix(Stream& stream, uint64_t from) {
  while (!stream.entries.empty() && stream.next() > from) {
    forget(stream.entries.back());
    stream.entries.pop_back();
    if (stream.cached.empty()) continue;
    cached_bytes_ -= stream.cached.back().size();
    stream.cached.pop_back();
  }
}

void StreamTable::cut_prefix(Stream& stream, uint64_t upto) {
  while (!stream.entries.empty() && stream.first <= upto) {
    if (stream.cached_from() == stream.first && !stream.cached.empty()) forget_first_cached(stream);
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

void StreamTable::forget(const Entry& entry) {
  if (entry.at.segment == 0) return;
  auto found = live_.find(entry.at.segment);
  found->second.bytes -= record_size(entry.at.length);
  if (--found->second.records == 0) live_.erase(found);
}

void StreamTable::forget_first_cached(Stream& stream) {
  cached_bytes_ -= stream.cached.front().size();
  stream.cached.pop_front();
  give_memory_back(stream.cached);
}

/// Of the entry that the stream now ends with; the oldest payloads of all streams go while there are too many bytes.
void StreamTable::cache(uint64_t id, Stream& stream, const Bytes& payload) {
  if (payload.size() > cache_limit_ || (payload.empty() && stream.cached.empty())) {
    while (!stream.cached.empty()) forget_first_cached(stream);  // what is kept has no gap
    return;
  }
  stream.cached.push_back(payload);
  cached_bytes_ += payload.size();
  cache_order_.emplace_back(id, stream.next() - 1);
  // An item of the order whose payload is gone frees nothing, or one that is older than it; the bound holds in every case. Those at the front are
  // dropped, so that the order stays as short as the cache.
  while (!cache_order_.empty()) {
    const auto [old_id, old_index] = cache_order_.front();
    const auto found = streams_.find(old_id);
    const bool is_kept = found != streams_.end() && !found->second.cached.empty() && old_index >= found->second.cached_from();
    if (is_kept && cached_bytes_ <= cache_limit_) return;
    if (is_kept) forget_first_cached(found->second);
    cache_order_.pop_front();
  }
}

std::optional<std::pair<uint64_t, uint64_t>> StreamTable::missing() const {
  for (const auto& [id, stream] : streams_) {
    if (const auto unknown = stream.entries.first_unknown()) return std::pair{id, stream.first + *unknown};
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
    stream.entries.for_each([&](size_t place, const Entry& entry) {
      if (entry.at.segment == segment) found.emplace_back(id, stream.first + place);
    });
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sofa::log::detail
