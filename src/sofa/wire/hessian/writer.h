#pragma once
// Appends Hessian values to a buffer. All values that one Writer writes stand in one stream: they share the tables of objects, class
// definitions and types, as SOFARPC's request and its arguments do (docs/protocols/hessian.md, section 2).
//
//   Buffer buffer;
//   Writer writer(buffer, {.dialect = Dialect::h3});
//   if (auto written = writer.write(user); !written) return forward_error(written);

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/detail/table.h"
#include "sofa/wire/hessian/dialect.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::hessian {

namespace detail {
struct Plan;
enum class Op : uint8_t;
}  // namespace detail

struct WriterOptions {
  Dialect dialect = Dialect::h3;
  Family family = Family::sofa;
  uint32_t depth = 1024;  // values inside values; a longer chain of pointers is an error (Java readers recurse, ours refuse at Limits::depth)
};

/// Used by one thread, from its making to its end. The buffer must outlive it; bytes already there are left alone. After a failed write the
/// buffer holds a part of the value: truncate it and begin a new stream.
///
/// Objects behind shared_ptr, Link and Graph and the nodes of dynamic Values are written once and then referred to, by address: they must stay
/// alive and unchanged until the last write. What is held by value is written in full each time.
class Writer {
 public:
  explicit Writer(Buffer& buffer, WriterOptions options = {});
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Errors: invalid_argument for an enum without that number or a struct without a java_type, resource_exhausted past the depth.
  Result<void> write(const Type& type, const void* value);
  Result<void> write(const Value& value);
  template <class T>
  Result<void> write(const T& value) {
    return write(type_of<T>(), &value);
  }

  // Pieces, for those who lay out a stream by hand. Each counts as the stream's next value; nothing checks that the pieces add up.
  void write_null();
  void write_bool(bool v);
  void write_int(int32_t v);
  void write_long(int64_t v);
  void write_double(double v);
  void write_date(int64_t milliseconds);
  /// UTF-8; a byte that is none goes out as U+FFFD. Lone surrogates in their three-byte form pass.
  void write_string(std::string_view utf8);
  void write_bytes(ByteSpan bytes);
  /// `n` items follow, then end_list. An empty type is an ArrayList, "[int" an array, else the collection's class.
  void begin_list(std::string_view type, size_t n);
  void end_list();
  /// Keys and values follow in turn, then end_map. An empty type is a HashMap.
  void begin_map(std::string_view type);
  void end_map();
  /// The definition when the stream has none yet, and the object's head; one value for each field follows, no end mark.
  void begin_object(const ObjectClass& object_class);

  const WriterOptions& options() const { return options_; }

 private:
  struct ClassEntry {
    std::string_view name;
    std::span<const std::string_view> fields;
  };

  // Scalars and texts (writer_scalars.cpp)
  uint8_t* room(size_t n) {
    buffer_.reserve(n);
    return buffer_.free_space().data();
  }
  void put(uint8_t byte) { buffer_.append_u8(byte); }
  void put_long_string(std::string_view utf8);
  void put_units(std::string_view utf8, size_t units);
  void put_counted_name(std::string_view name);
  void write_float(float v, bool boxed);
  void write_handle(std::string_view short_name, int32_t integer, const double* real);

  // Heads and tables (writer.cpp)
  void put_type(std::string_view name);
  uint32_t type_number(std::string_view name);
  void put_length(size_t n);
  bool begin_list_again(uint32_t type, size_t n);
  void put_reference(uint32_t number);
  void put_definition(std::string_view name, std::span<const std::string_view> fields);
  void put_object_head(uint32_t class_number);
  uint32_t class_number(const ObjectClass& object_class);
  uint32_t class_number(const detail::Plan& plan);
  uint32_t add_class(std::string_view name, std::span<const std::string_view> fields);
  bool refer_again(const void* address, const void* kind);
  Family family_index() const { return options_.family; }

  // Described types (writer_typed.cpp). Each takes where to write, with kRoom bytes of room, and answers where it ended, with as much room
  // again; null after an error.
  static constexpr size_t kRoom = 40;  // bytes: the longest number or short text, and a head
  uint8_t* open();
  void close(const uint8_t* p);
  uint8_t* roomy(uint8_t* p);
  template <class F>
  uint8_t* through_buffer(uint8_t* p, F&& write);
  uint8_t* put_planned(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_field(detail::Op op, const detail::Plan* plan, const void* at, uint8_t* p);
  uint8_t* put_item(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_rare(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_text(std::string_view text, uint8_t* p);
  uint8_t* put_other_text(std::string_view text, uint8_t* p);
  uint8_t* put_bytes(ByteSpan bytes, uint8_t* p);
  uint8_t* put_value(const Value& value, uint8_t* p);
  uint8_t* put_class(const detail::Plan& plan, uint8_t* p);
  uint8_t* put_structure(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_enumeration(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_indirect(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_list(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_map(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_small_boxed(const detail::Plan& plan, const void* at, uint8_t* p);
  uint8_t* put_boxed(const detail::Plan& plan, const void* at, uint8_t* p);
  bool write_special(const detail::Plan& plan, const void* at);
  void write_byte_vector(const detail::Plan& plan, const void* at);

  // Dynamic values (writer.cpp)
  bool write_value(const Value& value);
  bool write_list_node(const List& list);
  bool write_map_node(const Map& map);
  bool write_object_node(const Object& object);
  void write_remote(const Object& object);

  bool enter() { return ++depth_ <= options_.depth || too_deep(); }
  bool too_deep();
  void leave() { --depth_; }
  bool fail_with(Error error);
  Result<void> finish(bool written);

  Buffer& buffer_;
  uint8_t* start_ = nullptr;  // between open and close: where the buffer ends,
  uint8_t* last_ = nullptr;   // and the last place with kRoom bytes of room
  const WriterOptions options_;
  const bool h4_;
  bool boxes_small_numbers_;  // sofa-hessian 4 writes Byte, Short and Float as handle objects
  uint32_t depth_ = 0;
  uint32_t next_number_ = 0;
  const uint64_t epoch_;  // tells this writer's marks in the plans from another writer's
  detail::AddressMap written_;
  detail::AddressMap class_numbers_;
  detail::Table<ClassEntry, 8> classes_;
  detail::Table<std::string_view, 8> types_;
  detail::Table<bool, 16> open_lists_;  // for each begin_list: does its end take a mark?
  std::unique_ptr<Arena> scratch_;      // nodes made for special types live until the end: their addresses are identities
  List* empty_list_ = nullptr;
  std::unique_ptr<Error> error_;
};

/// One value as a stream of its own.
template <class T>
Result<Bytes> encode(const T& value, WriterOptions options = {}) {
  Buffer buffer;
  Writer writer(buffer, options);
  if (auto written = writer.write(value); !written) return forward_error(written);
  return buffer.take();
}

}  // namespace sofa::hessian

#include "sofa/wire/hessian/detail/writer_inline.h"
