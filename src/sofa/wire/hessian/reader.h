#pragma once
// Reads Hessian values from a span. All values that one Reader reads stand in one stream and share its tables, as SOFARPC's request and its
// arguments do (docs/protocols/hessian.md, section 2).
//
//   Reader reader(content, {.dialect = Dialect::h3});
//   auto user = reader.read<User>("getUser.result");
//   if (!user) return forward_error(user);   // "getUser.result.tags[1]: expected a string, found a list (tag 0x56) at byte 210"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/detail/table.h"
#include "sofa/wire/hessian/dialect.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::hessian {

namespace detail {
struct Plan;
struct Mapping;
enum class Tag : uint8_t;
}  // namespace detail

struct ReaderOptions {
  Dialect dialect = Dialect::h3;
  Limits limits = {};
  /// Owns what Links, Graphs and dynamic Values point to. Null: the reader makes one when the stream needs it.
  std::shared_ptr<Arena> arena = nullptr;
  /// Null: every class passes. Must outlive the reader.
  const ClassFilter* filter = nullptr;
};

/// The head of an object: what class and which fields follow. The texts live as long as the reader.
struct ObjectHead {
  std::string_view class_name;
  std::vector<std::string_view> fields;
  bool has(std::string_view field) const;
};

/// Used by one thread, from its making to its end; the input must outlive it and stay unchanged. After an error no more may be read.
///
/// Errors: invalid_argument for wrong or truncated bytes and for a value that does not fit its target, resource_exhausted past a limit,
/// permission_denied for a class that the filter refuses. Each names the path, the byte offset and the tag found.
///
/// What a described target makes of the wire (docs/protocols/hessian.md, section 4): fields match by name in any order, unknown ones are dropped, missing
/// ones keep the target's value; numbers, booleans and strings turn into each other; null is 0, "" or empty where the target has no null.
/// References: Link, Graph and Value share the one object, cycles too; shared_ptr shares an object that is complete (a cycle is an
/// error that says to use Link); a target held by value gets a copy.
class Reader {
 public:
  explicit Reader(ByteSpan input, ReaderOptions options = {});
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Reads the next value into a constructed object. `label` begins the path of an error.
  Result<void> read(const Type& type, void* into, std::string_view label = {});
  /// Links and Values inside point into arena(): keep it as long as the result.
  template <class T>
  Result<T> read(std::string_view label = {}) {
    T value{};
    if (auto done = read(type_of<T>(), &value, label); !done) return forward_error(done);
    return value;
  }
  /// The next value whatever it is, in arena().
  Result<Value> read_value(std::string_view label = {});
  Result<void> skip(std::string_view label = {});

  /// Begins an object whose fields the caller reads one by one, in the order of the head. Null on the wire: a head without a class name.
  Result<ObjectHead> begin_object(std::string_view label = {});
  /// Looks at the next value without taking it: its head when it is an object, or a reference to one; a head without a class name for anything else.
  Result<ObjectHead> peek_object();

  bool at_end() const { return at_ == end_; }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  /// An error when bytes are left over after the last value.
  Result<void> expect_end() const;

  /// The arena of the options, or the one made since.
  const std::shared_ptr<Arena>& arena();

 private:
  // Where a numbered value begins and what was made of it; `target` and `node` are indices + 1 into the tables below.
  struct Start {
    uint32_t offset, classes, types, target, node;
    bool building;
  };
  struct Target {
    const detail::Plan* plan;
    void* object;     // Link, Graph: the object in the arena. shared_ptr: a holder of its own in shared_
    bool shared;
    bool complete;
  };
  struct ClassEntry {
    uint32_t offset, size;           // of the definition, tag included
    std::string_view name;           // UTF-8; empty until needed when the definition was recognised by its bytes
    uint32_t field_count;
    const ObjectClass* dynamic;      // made when a Value of the class is built
    const detail::Plan* plan;        // the last described type that an object of the class was read into, and
    const detail::Mapping* mapping;  // which of its fields each field on the wire is
  };
  struct TypeEntry {
    std::string_view name;
    bool kept;  // in the arena
  };
  struct ListHead {
    std::string_view type;
    uint32_t type_number = UINT32_MAX;
    int64_t length = -1;  // -1: unknown
    bool end_mark = false;
  };
  struct Position {
    const uint8_t* at;
    uint32_t number, classes, types;
  };
  class StringSink;

  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool need(size_t n);
  bool take_tag(detail::Tag& tag);

  // Scalars (scalars.cpp)
  bool read_int(int64_t& out);
  bool read_number(detail::Tag tag, int64_t& integer, double& real, bool& is_real);
  bool scalar_to_int(int64_t& out);
  bool scalar_to_double(double& out);
  bool scalar_to_bool(bool& out);
  bool scalar_to_date(int64_t& out);
  bool read_string(std::string& out);
  bool read_string_body(detail::Tag tag, uint8_t first, std::string& out);
  bool append_units(size_t units, std::string& out);
  bool scalar_to_string(std::string& out);
  bool read_text_value(detail::Tag tag, uint8_t first, Value& out);
  bool read_binary(detail::Tag tag, uint8_t first, std::string& out);
  bool scalar_to_binary(std::string& out);
  bool read_name(std::string_view& out);
  bool read_units_name(size_t units, std::string_view& out);
  bool skip_units(size_t units);
  bool count_units(int64_t declared, size_t& out);

  // Tables (tables.cpp)
  bool definition();
  bool definition_names(ClassEntry& entry, std::vector<std::string_view>* fields);
  bool object_class(detail::Tag tag, uint8_t first, uint32_t& index);
  bool reference(detail::Tag tag, uint32_t& number);
  bool type_name(uint32_t& index);
  bool list_head(detail::Tag tag, uint8_t first, ListHead& head);
  bool list_ends(const ListHead& head, int64_t index, bool& ends);
  bool map_head(detail::Tag tag, std::string_view& type, uint32_t& type_number);
  bool map_ends(bool& ends);
  bool class_names(ClassEntry& entry);
  const ObjectClass* dynamic_class(uint32_t index);
  std::string_view kept_type(uint32_t type_number);
  uint32_t start_number(const uint8_t* tag_at);
  bool admit(std::string_view name);
  Position go_to(uint32_t number);
  void go_back(const Position& position);

  // Typed values (typed.cpp)
  bool read_planned(const detail::Plan& plan, void* into);
  bool read_structure(const detail::Plan& plan, void* into);
  bool read_fields(const detail::Plan& plan, void* into, uint32_t class_index, uint32_t number);
  bool read_map_as_structure(const detail::Plan& plan, void* into, detail::Tag tag, uint32_t number);
  bool read_enumeration(const detail::Plan& plan, void* into);
  bool read_indirect(const detail::Plan& plan, void* into);
  bool read_referred(const detail::Plan& holder, void* into, uint32_t number);
  bool read_list(const detail::Plan& plan, void* into);
  bool read_numbers(const detail::Plan& plan, void* into, const ListHead& head);
  bool read_map(const detail::Plan& plan, void* into);
  bool read_special(const detail::Plan& plan, void* into);
  bool read_copy(const detail::Plan& plan, void* into, uint32_t number);
  bool read_handle_value(const detail::Plan& plan, void* into);
  const detail::Mapping* mapping_of(const detail::Plan& plan, uint32_t class_index);
  bool expect_definition_of(const detail::Plan& plan);

  // Dynamic values (dynamic.cpp)
  bool build(Value& out);
  bool build_list(detail::Tag tag, uint8_t first, Value& out, const uint8_t* tag_at);
  bool build_map(detail::Tag tag, Value& out, const uint8_t* tag_at);
  bool build_object(detail::Tag tag, uint8_t first, Value& out, const uint8_t* tag_at);
  bool build_referred(uint32_t number, Value& out);
  bool build_remote(Value& out);
  bool known_node(uint32_t number, Value& out);
  void set_node(uint32_t number, const Value& node);
  bool skip_value();

  bool enter();
  void leave() { --depth_; }
  bool charge(size_t bytes);
  bool fail_with(Code code, std::string what);
  bool unexpected(std::string_view expected);
  void add_path(std::string_view field);
  void add_path(size_t index);
  Error finish_error(std::string_view label, std::string_view root);
  Arena& own_arena();

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  const detail::Tag* tags_;
  const uint8_t* value_at_ = nullptr;  // the tag of the value that is read: for errors
  bool h4_;
  bool failed_ = false;
  uint32_t depth_ = 0;
  uint32_t next_number_ = 0, next_class_ = 0, next_type_ = 0;
  size_t memory_left_;
  uint32_t copies_left_;
  uint32_t copying_ = 0;
  Limits limits_;
  std::shared_ptr<Arena> arena_;
  const ClassFilter* filter_;
  detail::Table<Start, 32> starts_;
  detail::Table<ClassEntry, 8> classes_;
  detail::Table<TypeEntry, 8> types_;
  detail::Table<Target, 4> targets_;
  detail::Table<Value, 4> nodes_;
  std::vector<std::shared_ptr<const detail::Mapping>> mappings_;
  struct SharedHolders;
  std::unique_ptr<SharedHolders> shared_;
  Code error_code_ = Code::invalid_argument;
  std::string error_, error_path_;
};

/// Reads one value that is the whole input. The result must not reach Links or Values outside a Graph: nothing would keep their arena.
template <class T>
Result<T> decode(ByteSpan input, ReaderOptions options = {}) {
  Reader reader(input, std::move(options));
  auto value = reader.read<T>();
  if (!value) return value;
  if (auto end = reader.expect_end(); !end) return forward_error(end);
  return value;
}

/// A dynamic value as a described type: fields by name, as a reader does it. Links and Values inside point into `arena`.
Result<void> convert(const Value& value, const Type& type, void* into, const std::shared_ptr<Arena>& arena);
template <class T>
Result<T> convert(const Value& value, const std::shared_ptr<Arena>& arena) {
  T converted{};
  if (auto done = convert(value, type_of<T>(), &converted, arena); !done) return forward_error(done);
  return converted;
}
/// A described type as a dynamic value in `arena`.
Result<Value> to_value(const Type& type, const void* value, const std::shared_ptr<Arena>& arena);
template <class T>
Result<Value> to_value(const T& value, const std::shared_ptr<Arena>& arena) {
  return to_value(type_of<T>(), &value, arena);
}

}  // namespace sofa::hessian
