#pragma once
// The state of the lab's state machine: keys with values, changed by the bytes of entries (docs/protocols/jraft.md, the lab). Pure.
//
//   op u8 | key length u16 BE | key | rest       01 PUT value, 02 ADD i64 BE, 03 CAS, 04 DELETE, 05 APPEND bytes
//
// What is unknown or too short changes nothing: entries are bytes that others wrote.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::tool {

/// Ops of a client's request.
enum class LabOp : uint8_t { put = 1, add, cas, remove, append, get = 0x10, get_local, dump, info, snapshot };

/// An op's bytes in parts; nothing when the key is longer than they are.
struct LabRequest {
  LabOp op{};
  std::string_view key{};
  ByteSpan rest{};
  static std::optional<LabRequest> parse(ByteSpan bytes);
};

class LabState {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  using Bucket = boost::unordered_flat_map<std::string, std::string, Hash, std::equal_to<>>;

 public:
  /// Applies one entry. The result: PUT, DELETE, APPEND 01; ADD the sum as text; CAS 01 or 00; of what changes nothing, no bytes.
  Bytes apply(ByteSpan entry);
  /// Valid until the next change.
  std::optional<std::string_view> find(std::string_view key) const;
  void put(std::string_view key, std::string_view value);

  size_t size() const { return size_; }
  /// Of the snapshot.
  uint64_t encoded_bytes() const { return encoded_bytes_; }

  /// The state as it was at freeze(). Taking it costs a reference for each of 1024 parts of the keys; a part that changes afterwards is copied once,
  /// so that no change waits longer than for 1/1024 of the state.
  class Frozen {
   public:
    using Item = std::pair<std::string_view, std::string_view>;
    /// In the order of the keys' bytes; lives as long as this object. Any thread, while the object stays where it is.
    std::vector<Item> sorted() const;
    /// Appends the snapshot's bytes of an item.
    static void encode(const Item& item, Buffer& out);

   private:
    friend class LabState;
    std::vector<std::shared_ptr<const Bucket>> buckets_;
  };
  /// Made and destroyed by the thread that changes the state.
  Frozen freeze() const;
  /// Appends the whole snapshot: for small states.
  void encode(Buffer& out) const;
  Bytes encode() const;

  /// Takes a snapshot's bytes piece by piece, in place of nothing: begin with an empty state.
  class Loader {
   public:
    explicit Loader(LabState& into) : into_(into) {}
    void add(ByteSpan piece);
    /// Errors: data_loss when the bytes end within an item.
    Result<void> finish() const;

   private:
    LabState& into_;
    Buffer rest_;
  };

 private:
  static constexpr size_t kBuckets = 1024;
  static size_t bucket_of(std::string_view key) { return Hash{}(key) / (SIZE_MAX / kBuckets + 1); }
  const std::string* find_value(std::string_view key) const;
  /// The value of a key, made when it is missing. It may be changed until anything else is called; then tell by resized().
  std::string& value_of(std::string_view key);
  void resized(size_t before, size_t after) { encoded_bytes_ += after - before; }
  Bucket& own_bucket(std::string_view key);
  Bytes add(std::string_view key, ByteSpan rest);
  Bytes compare_and_set(std::string_view key, ByteSpan rest);
  void remove(std::string_view key);

  std::vector<std::shared_ptr<Bucket>> buckets_;  // empty until something is written
  size_t size_ = 0;
  uint64_t encoded_bytes_ = 0;
};

}  // namespace sofa::tool
