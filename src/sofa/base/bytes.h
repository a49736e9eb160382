#pragma once
// The one buffer type: a reference-counted block and slices of it. Parse in place, keep slices, gather writes: no copies between socket and codec.

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sofa {

using ByteSpan = std::span<const uint8_t>;

inline ByteSpan as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view as_text(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

namespace detail {
/// Header of a heap block; the bytes follow it.
struct Block {
  std::atomic<uint32_t> references;
  size_t capacity;
  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  static Block* make(size_t capacity);
  static void free(Block* block);
  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    // A sole owner needs no read-modify-write: nobody else can take a reference meanwhile.
    if (references.load(std::memory_order_acquire) == 1 || references.fetch_sub(1, std::memory_order_acq_rel) == 1) free(this);
  }
};
}  // namespace detail

/// An immutable slice of a shared block. Copying it shares the block (one atomic increment); the block is freed with its last slice.
/// Any thread may hold and drop slices; the bytes do not change while a slice is held.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes& other) : block_(other.block_), data_(other.data_), size_(other.size_) {
    if (block_ != nullptr) block_->retain();
  }
  Bytes(Bytes&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Bytes& operator=(Bytes other) noexcept {
    swap(other);
    return *this;
  }
  ~Bytes() {
    if (block_ != nullptr) block_->release();
  }

  static Bytes copy_of(ByteSpan bytes);
  static Bytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }
  /// Bytes of static storage duration; nothing is owned.
  static Bytes literal(std::string_view text) { return Bytes(nullptr, as_bytes(text).data(), text.size()); }

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  uint8_t operator[](size_t i) const {
    assert(i < size_);
    return data_[i];
  }
  const uint8_t* begin() const { return data_; }
  const uint8_t* end() const { return data_ + size_; }
  ByteSpan span() const { return {data_, size_}; }
  operator ByteSpan() const { return span(); }
  std::string_view text() const { return as_text(span()); }

  /// The part [offset, offset + length) sharing the block; asserts that it lies inside.
  Bytes slice(size_t offset, size_t length) const;
  Bytes slice(size_t offset) const { return slice(offset, size_ - offset); }

  friend bool operator==(const Bytes& a, const Bytes& b) {
    return a.size_ == b.size_ && (a.size_ == 0 || std::memcmp(a.data_, b.data_, a.size_) == 0);
  }

 private:
  friend class Buffer;
  Bytes(detail::Block* block, const uint8_t* data, size_t size) : block_(block), data_(data), size_(size) {}
  void swap(Bytes& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  detail::Block* block_ = nullptr;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

/// A contiguous growing buffer: append at the end, take slices from the front. Used by encoders and as a connection's read buffer.
/// Not copyable; belongs to one thread. Slices taken from it stay valid for ever: written bytes are never moved under a slice, the buffer
/// goes on in a fresh block when it must grow while slices share the old one.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t capacity) { reserve(capacity); }
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), begin_(std::exchange(other.begin_, 0)), end_(std::exchange(other.end_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~Buffer() {
    if (block_ != nullptr) block_->release();
  }

  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  const uint8_t* data() const { return block_ == nullptr ? nullptr : block_->data() + begin_; }
  ByteSpan span() const { return {data(), size()}; }
  /// Bytes that fit without growing.
  size_t room() const { return block_ == nullptr ? 0 : block_->capacity - end_; }

  /// Makes at least `more` bytes of room at the end.
  void reserve(size_t more) {
    if (room() < more) grow(more);
  }
  /// `n` writable bytes at the end, counted as written; the caller fills them before anything else is called.
  uint8_t* extend(size_t n) {
    reserve(n);
    uint8_t* at = block_->data() + end_;
    end_ += n;
    return at;
  }
  /// The free room at the end, for a read call; follow with `commit`.
  std::span<uint8_t> free_space() { return block_ == nullptr ? std::span<uint8_t>{} : std::span<uint8_t>{block_->data() + end_, room()}; }
  void commit(size_t n) {
    assert(n <= room());
    end_ += n;
  }

  void append(ByteSpan bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
  void append(std::string_view text) { append(as_bytes(text)); }
  void append_u8(uint8_t v) { *extend(1) = v; }
  void append_be16(uint16_t v);
  void append_be32(uint32_t v);
  void append_be64(uint64_t v);
  /// Overwrites bytes already written (a length known only later). The bytes must not have been taken as a slice.
  void patch(size_t offset, ByteSpan bytes) {
    assert(offset + bytes.size() <= size());
    std::memcpy(block_->data() + begin_ + offset, bytes.data(), bytes.size());
  }
  void patch_be32(size_t offset, uint32_t v);
  void patch_be16(size_t offset, uint16_t v);

  /// Drops bytes from the front.
  void consume(size_t n) {
    assert(n <= size());
    begin_ += n;
    if (begin_ == end_) rewind();
  }
  /// Takes the first `n` bytes as a slice that shares the block.
  Bytes take(size_t n);
  Bytes take() { return take(size()); }
  /// A slice of written bytes that stay in the buffer too.
  Bytes share(size_t offset, size_t length) const;
  void clear() {
    begin_ = end_;
    rewind();
  }
  /// Drops the last bytes, back to a size seen earlier (an encoder that gives up).
  void truncate(size_t size) {
    assert(size <= this->size());
    end_ = begin_ + size;
  }

 private:
  void grow(size_t more);
  void rewind() {
    if (block_ != nullptr && block_->references.load(std::memory_order_acquire) == 1) begin_ = end_ = 0;
  }

  detail::Block* block_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
};

/// Slices to be written one after another with a single system call.
class GatherList {
 public:
  void add(Bytes bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    parts_.push_back(std::move(bytes));
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<Bytes>& parts() const { return parts_; }
  void clear() {
    parts_.clear();
    size_ = 0;
  }
  /// All parts copied into one block (tests, codecs that need contiguous input).
  Bytes join() const;

 private:
  std::vector<Bytes> parts_;
  size_t size_ = 0;
};

template <class T>
T load_be(const uint8_t* p) {
  static_assert(std::is_integral_v<T>);
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(v)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(v)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(v)));
  return v;
}
template <class T>
void store_be(uint8_t* p, T v) {
  v = load_be<T>(reinterpret_cast<const uint8_t*>(&v));
  std::memcpy(p, &v, sizeof v);
}

inline void Buffer::append_be16(uint16_t v) { store_be(extend(2), v); }
inline void Buffer::append_be32(uint32_t v) { store_be(extend(4), v); }
inline void Buffer::append_be64(uint64_t v) { store_be(extend(8), v); }

/// Lower-case hex of the bytes, and back (empty optional text is invalid: odd length or a letter that is no hex digit).
std::string to_hex(ByteSpan bytes);
bool from_hex(std::string_view hex, std::vector<uint8_t>& out);

}  // namespace sofa
