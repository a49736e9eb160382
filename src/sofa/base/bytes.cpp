#include "sofa/base/bytes.h"

#include <algorithm>
#include <new>

#include "sofa/base/recycled.h"
#include "sofa/base/text.h"

namespace sofa {

namespace detail {

Block* Block::make(size_t capacity) { return new (take_memory(sizeof(Block) + capacity)) Block{{1}, capacity}; }

void Block::free(Block* block) { give_memory(block, sizeof(Block) + block->capacity); }

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
