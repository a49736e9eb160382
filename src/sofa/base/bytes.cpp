#include "sofa/base/bytes.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include "sofa/base/text.h"

namespace sofa {

namespace detail {

namespace {

/// What io::Stream reads into (kReadRoom): such blocks come and go, since a connection holds one only while it has bytes.
constexpr size_t kReadBlock = size_t{16} << 10;

constexpr bool kReuseBlocks = !__has_feature(address_sanitizer);  // a reused block would hide a use after free

/// The memory of a few free blocks of one size, of this thread. The last one comes back first: it is still in the processor's cache.
class SpareBlocks {
 public:
  ~SpareBlocks() {
    while (count_ > 0) std::free(memory_[--count_]);
  }
  /// Null when there is none.
  void* take() { return count_ == 0 ? nullptr : memory_[--count_]; }
  /// False when there are enough.
  bool keep(void* memory) {
    if (count_ == memory_.size()) return false;
    memory_[count_++] = memory;
    return true;
  }

 private:
  std::array<void*, 16> memory_;
  size_t count_ = 0;
};

thread_local SpareBlocks spare_blocks;

}  // namespace

Block* Block::make(size_t capacity) {
  void* memory = capacity == kReadBlock ? spare_blocks.take() : nullptr;
  if (memory == nullptr) memory = std::malloc(sizeof(Block) + capacity);
  if (memory == nullptr) throw std::bad_alloc();
  auto* block = new (memory) Block{{1}, capacity};
  return block;
}

void Block::free(Block* block) {
  const bool kept = kReuseBlocks && block->capacity == kReadBlock && spare_blocks.keep(block);
  if (!kept) std::free(block);
}
}  // namespace detail

namespace {
constexpr size_t kSmallestBlock = 256;
}

Bytes Bytes::copy_of(ByteSpan bytes) {
  if (bytes.empty()) return {};
  auto* block = detail::Block::make(bytes.size());
  std::memcpy(block->data(), bytes.data(), bytes.size());
  return Bytes(block, block->data(), bytes.size());
}

Bytes Bytes::slice(size_t offset, size_t length) const {
  assert(offset <= size_ && length <= size_ - offset);
  if (length == 0) return {};
  if (block_ != nullptr) block_->retain();
  return Bytes(block_, data_ + offset, length);
}

void Buffer::grow(size_t more) {
  const size_t used = size();
  const bool sole = block_ != nullptr && block_->references.load(std::memory_order_acquire) == 1;
  if (sole && block_->capacity >= used + more && begin_ >= used) {
    std::memcpy(block_->data(), block_->data() + begin_, used);
    begin_ = 0;
    end_ = used;
    return;
  }
  const size_t doubled = block_ == nullptr ? kSmallestBlock : std::max(kSmallestBlock, used * 2);
  auto* block = detail::Block::make(std::max(doubled, used + more));
  if (used > 0) std::memcpy(block->data(), data(), used);
  if (block_ != nullptr) block_->release();
  block_ = block;
  begin_ = 0;
  end_ = used;
}

Bytes Buffer::take(size_t n) {
  Bytes bytes = share(0, n);
  begin_ += n;
  return bytes;
}

Bytes Buffer::share(size_t offset, size_t length) const {
  assert(offset + length <= size());
  if (length == 0) return {};
  block_->retain();
  return Bytes(block_, block_->data() + begin_ + offset, length);
}

void Buffer::patch_be32(size_t offset, uint32_t v) {
  uint8_t raw[4];
  store_be(raw, v);
  patch(offset, raw);
}

void Buffer::patch_be16(size_t offset, uint16_t v) {
  uint8_t raw[2];
  store_be(raw, v);
  patch(offset, raw);
}

Bytes GatherList::join() const {
  if (parts_.size() == 1) return parts_.front();
  Buffer buffer(size_);
  for (const Bytes& part : parts_) buffer.append(part.span());
  return buffer.take();
}

std::string to_hex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (uint8_t b : bytes) {
    hex.push_back(kDigits[b >> 4]);
    hex.push_back(kDigits[b & 15]);
  }
  return hex;
}

bool from_hex(std::string_view hex, std::vector<uint8_t>& out) {
  if (hex.size() % 2 != 0) return false;
  out.clear();
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return true;
}

}  // namespace sofa
