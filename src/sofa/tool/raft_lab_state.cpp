#include "sofa/tool/raft_lab_state.h"

#include <algorithm>

#include "sofa/base/text.h"

namespace sofa::tool {

namespace {

constexpr size_t kHead = 3;               // of an op: itself and the key's length
constexpr size_t kItemHead = 8;           // of an item of a snapshot: two lengths
constexpr uint32_t kAbsent = 0xffffffff;  // of CAS: the key must not be there

Bytes done() { return Bytes::literal("\x01"); }
Bytes not_done() { return Bytes::literal({"\0", 1}); }

}  // namespace

std::optional<LabRequest> LabRequest::parse(ByteSpan bytes) {
  if (bytes.size() < kHead) return std::nullopt;
  const size_t key_size = load_be<uint16_t>(bytes.data() + 1);
  if (kHead + key_size > bytes.size()) return std::nullopt;
  return LabRequest{.op = static_cast<LabOp>(bytes[0]), .key = as_text(bytes.subspan(kHead, key_size)), .rest = bytes.subspan(kHead + key_size)};
}

Bytes LabState::apply(ByteSpan entry) {
  const auto request = LabRequest::parse(entry);
  if (!request) return {};
  switch (request->op) {
    case LabOp::put:
      put(request->key, as_text(request->rest));
      return done();
    case LabOp::add:
      return add(request->key, request->rest);
    case LabOp::cas:
      return compare_and_set(request->key, request->rest);
    case LabOp::remove:
      remove(request->key);
      return done();
    case LabOp::append: {
      std::string& value = value_of(request->key);
      value += as_text(request->rest);
      resized(0, request->rest.size());
      return done();
    }
    default:
      return {};
  }
}

Bytes LabState::add(std::string_view key, ByteSpan rest) {
  if (rest.size() < sizeof(int64_t)) return {};
  const std::string* const before = find_value(key);
  const auto number = before == nullptr ? 0 : whole_number<int64_t>(*before);
  if (!number) return {};
  // Sums wrap, as Java's do.
  const auto sum = static_cast<int64_t>(static_cast<uint64_t>(*number) + load_be<uint64_t>(rest.data()));
  const std::string text = std::to_string(sum);
  put(key, text);
  return Bytes::copy_of(text);
}

Bytes LabState::compare_and_set(std::string_view key, ByteSpan rest) {
  if (rest.size() < sizeof(uint32_t)) return {};
  const auto size = load_be<uint32_t>(rest.data());
  rest = rest.subspan(sizeof(uint32_t));
  const std::string* const value = find_value(key);
  if (size == kAbsent) {
    if (value != nullptr) return not_done();
  } else {
    if (size > rest.size()) return {};
    if (value == nullptr || *value != as_text(rest.first(size))) return not_done();
    rest = rest.subspan(size);
  }
  put(key, as_text(rest));
  return done();
}

void LabState::remove(std::string_view key) {
  const std::string* const value = find_value(key);
  if (value == nullptr) return;
  encoded_bytes_ -= kItemHead + key.size() + value->size();
  --size_;
  Bucket& bucket = own_bucket(key);
  bucket.erase(bucket.find(key));
}

void LabState::put(std::string_view key, std::string_view value) {
  std::string& at = value_of(key);
  resized(at.size(), value.size());
  at.assign(value);
}

std::optional<std::string_view> LabState::find(std::string_view key) const {
  const std::string* const value = find_value(key);
  return value == nullptr ? std::nullopt : std::optional<std::string_view>(*value);
}

const std::string* LabState::find_value(std::string_view key) const {
  if (buckets_.empty()) return nullptr;
  const Bucket& bucket = *buckets_[bucket_of(key)];
  const auto at = bucket.find(key);
  return at == bucket.end() ? nullptr : &at->second;
}

std::string& LabState::value_of(std::string_view key) {
  Bucket& bucket = own_bucket(key);
  if (const auto at = bucket.find(key); at != bucket.end()) return at->second;
  ++size_;
  encoded_bytes_ += kItemHead + key.size();
  return bucket.try_emplace(std::string(key)).first->second;
}

/// The part of the keys that this one is in, and in nobody else's hands.
LabState::Bucket& LabState::own_bucket(std::string_view key) {
  if (buckets_.empty()) {
    buckets_.resize(kBuckets);
    for (auto& bucket : buckets_) bucket = std::make_shared<Bucket>();
  }
  auto& bucket = buckets_[bucket_of(key)];
  if (bucket.use_count() > 1) bucket = std::make_shared<Bucket>(*bucket);
  return *bucket;
}

LabState::Frozen LabState::freeze() const {
  Frozen frozen;
  frozen.buckets_.assign(buckets_.begin(), buckets_.end());
  return frozen;
}

std::vector<LabState::Frozen::Item> LabState::Frozen::sorted() const {
  std::vector<Item> items;
  for (const auto& bucket : buckets_) items.insert(items.end(), bucket->begin(), bucket->end());
  std::ranges::sort(items, {}, &Item::first);  // char_traits<char> compares as unsigned bytes
  return items;
}

void LabState::Frozen::encode(const Item& item, Buffer& out) {
  out.append_be32(static_cast<uint32_t>(item.first.size()));
  out.append(item.first);
  out.append_be32(static_cast<uint32_t>(item.second.size()));
  out.append(item.second);
}

void LabState::encode(Buffer& out) const {
  out.reserve(encoded_bytes_);
  const Frozen frozen = freeze();
  for (const Frozen::Item& item : frozen.sorted()) Frozen::encode(item, out);
}

Bytes LabState::encode() const {
  Buffer out;
  encode(out);
  return out.take();
}

void LabState::Loader::add(ByteSpan piece) {
  rest_.append(piece);
  for (;;) {
    const ByteSpan bytes = rest_.span();
    if (bytes.size() < sizeof(uint32_t)) return;
    const uint64_t key_size = load_be<uint32_t>(bytes.data());
    if (bytes.size() < kItemHead + key_size) return;
    const uint64_t value_size = load_be<uint32_t>(bytes.data() + sizeof(uint32_t) + key_size);
    if (bytes.size() < kItemHead + key_size + value_size) return;
    into_.put(as_text(bytes.subspan(sizeof(uint32_t), key_size)), as_text(bytes.subspan(kItemHead + key_size, value_size)));
    rest_.consume(kItemHead + key_size + value_size);
  }
}

Result<void> LabState::Loader::finish() const {
  if (rest_.empty()) return {};
  return fail(Code::data_loss, "the snapshot ends within an item: {} bytes are left over", rest_.size());
}

}  // namespace sofa::tool
