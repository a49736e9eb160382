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
enum class Op : uint8_t;
}  // namespace detail

struct ReaderOptions {
  Dialect dialect = Dialect::h3;
  Limits limits = {};
  /// Owns what Links, Graphs and dynamic Values point to. Null: the reader makes one when the stream needs it.
  std::shared_ptr<Arena> arena = nullptr;
  /// Null or empty: every class passes. Must outlive the reader.
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
/// What a described target makes of the wire (docs/protocols/hessian.md, section 4): fields match by name in any order, unknown ones are dropped,
/// missing ones keep the target's value; numbers, booleans and strings turn into each other; null is 0, "" or empty where the target has no null.
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
  using Tag = detail::Tag;
  using Plan = detail::Plan;

  // Where a numbered value begins, with the state of the tables there, so that it can be read again for a reference; and what was made of
  // it: indices + 1 into the tables of targets and nodes.
  struct Start {
    uint32_t offset, classes, types, target, node;
    bool building;
  };
  // An object that references can share: in the arena (Link, Graph), behind a shared_ptr (then `object` is a holder in shared_), or an
  // enum's constant.
  struct Target {
    const Plan* plan;
    void* object;
    bool shared, complete;
  };
  struct ClassEntry {
    uint32_t offset, size;  // the definition, tag included
    std::string_view name;  // empty until needed when the definition was recognised by its bytes
    uint32_t field_count;
    const ObjectClass* dynamic;  // made when a Value of the class is built
    const Plan* plan;            // the last described type that an object of the class was read into, and
    detail::Mapping* mapping;    // which of its fields each field on the wire is
  };
  struct TypeEntry {
    std::string_view name;
    bool kept;  // the text is in the arena
  };
  struct Container {
    uint32_t type = UINT32_MAX;  // index into the table of types; UINT32_MAX: untyped
    int64_t length = -1;         // -1: unknown
    bool end_mark = false;
  };
  struct Position {
    const uint8_t* at;
    uint32_t number, classes, types;
  };
  struct SharedHolders;

  // Bytes and scalars (reader_scalars.cpp)
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool need(size_t n);
  bool next(Tag& tag, uint8_t& byte, const Plan* expected = nullptr);
  bool integer_body(Tag tag, uint8_t byte, int64_t& out);
  bool double_body(Tag tag, double& out);
  bool date_body(Tag tag, int64_t& out);
  bool text_body(Tag tag, uint8_t byte, std::string& out);
  bool text_length(Tag tag, uint8_t byte, size_t& units);
  bool append_units(size_t units, size_t start, std::string& out);
  bool decode_units(size_t units, size_t start, std::string& out);
  bool binary_body(Tag tag, uint8_t byte, std::string& out);
  bool binary_length(Tag tag, uint8_t byte, size_t& n);
  bool read_int(int64_t& out);
  bool read_double(double& out);
  bool read_bool(bool& out);
  bool read_date(int64_t& out);
  bool read_text(std::string& out);
  bool read_short_text(const uint8_t* p, std::string& out);
  bool read_text_slow(Tag tag, uint8_t byte, std::string& out);
  bool read_binary(std::string& out);
  bool read_scalar_object(Tag tag, std::string_view expected, Value& out);
  bool count(int64_t& out);
  bool name(std::string_view& out);
  bool name_of_units(size_t units, std::string_view& out);
  bool skip_units(size_t units);
  bool skip_scalar(Tag tag, uint8_t byte);

  // Tables and heads (reader_tables.cpp)
  bool definition(const Plan* expected);
  bool definition_names(ClassEntry& entry, std::vector<std::string_view>* fields);
  bool object_class(Tag tag, uint8_t byte, uint32_t& index);
  bool reference(Tag tag, uint32_t& number);
  bool type_reference(uint32_t& index);
  bool add_type(std::string_view type_name, uint32_t& index);
  bool type_h3(uint32_t& index);
  bool type_h4(uint32_t& index);
  bool list_head(Tag tag, uint8_t byte, Container& head);
  bool map_head(Tag tag, Container& head);
  bool ends(const Container& head, int64_t index, bool& end);
  bool start_number(uint32_t& number);
  bool admit(std::string_view class_name);
  detail::Mapping* mapping_of(const Plan& plan, ClassEntry& entry);
  void set_mapping(ClassEntry& entry, const Plan& plan, detail::Mapping* mapping);
  const ObjectClass* dynamic_class(uint32_t index);
  std::string_view kept_type(uint32_t type);
  Position position() const { return {at_, next_number_, next_class_, next_type_}; }
  void go_to(const Position& position);
  bool go_to_number(uint32_t number);

  // Described types (reader_typed.cpp)
  static constexpr size_t kAhead = 32;  // bytes: the longest short value, a string with its tag
  bool read_planned(const Plan& plan, void* into);
  bool read_field(detail::Op op, const Plan& plan, void* into);
  bool read_item(const Plan& plan, void* into);
  bool read_any(const Plan& plan, void* into);
  bool read_indirect(const Plan& plan, void* into);
  bool read_constant_again(const Plan& plan, void* into);
  bool read_bytes(Bytes& out);
  bool read_structure(const Plan& plan, void* into);
  bool read_fields(const Plan& plan, void* into, uint32_t class_index);
  bool read_map_as_structure(const Plan& plan, void* into, Tag tag);
  bool read_enumeration(const Plan& plan, void* into);
  bool set_constant(const Plan& plan, void* into, std::string_view constant, Target& target);
  bool read_pointer(const Plan& plan, void* into);
  bool read_shared(const Plan& plan, void* into);
  bool read_referred(const Plan& plan, void* into, uint32_t number);
  bool share_known(const Plan& plan, void* into, uint32_t number, bool& shared);
  bool read_list(const Plan& plan, void* into);
  template <class T>
  bool read_number_list(const Plan& plan, void* into, const Container& head);
  bool read_numbers(const Plan& plan, void* into, const Container& head, bool& handled);
  bool read_map(const Plan& plan, void* into);
  bool read_special(const Plan& plan, void* into);
  bool read_copy(const Plan& plan, void* into, uint32_t number);

  // Dynamic values (reader_dynamic.cpp)
  bool build(Value& out);
  bool build_text(Tag tag, uint8_t byte, Value& out);
  bool build_list(Tag tag, uint8_t byte, Value& out);
  bool build_map(Tag tag, Value& out);
  bool build_object(Tag tag, uint8_t byte, Value& out);
  bool build_referred(uint32_t number, Value& out);
  bool build_remote(Value& out);
  bool remote_part(size_t part, size_t& units);
  void set_node(uint32_t number, const Value& node);
  bool skip_value();
  bool skip_container(Tag tag, uint8_t byte);

  bool enter();
  void leave() { --depth_; }
  bool charge(size_t bytes);
  bool fail_with(Code code, std::string what);
  bool truncated();
  bool unexpected(std::string_view expected);
  bool in_field(std::string_view field);
  bool in_item(size_t index);
  Result<void> finish(bool read, std::string_view label, std::string_view root);
  Arena& own_arena();

  const uint8_t* const begin_;
  const uint8_t* at_;
  const uint8_t* const end_;
  const Tag* const tags_;
  const uint8_t* value_at_;  // the tag of the value being read
  const bool h4_;
  uint32_t depth_ = 0;
  uint32_t next_number_ = 0, next_class_ = 0, next_type_ = 0;
  uint32_t pending_target_ = 0;  // the target that the next numbered value is read into
  uint32_t copies_left_;
  size_t memory_left_;
  const Limits limits_;
  const ClassFilter* const filter_;
  std::shared_ptr<Arena> arena_;
  detail::Table<Start, 16, true> starts_;
  detail::Table<ClassEntry, 4> classes_;
  detail::Table<TypeEntry, 4> types_;
  detail::Table<Target, 4> targets_;
  detail::Table<Value, 4> nodes_;
  std::unique_ptr<SharedHolders> shared_;
  std::string scratch_;
  bool failed_ = false;
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
