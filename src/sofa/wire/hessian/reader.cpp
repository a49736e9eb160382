#include "sofa/wire/hessian/reader.h"

#include <algorithm>
#include <deque>

#include "sofa/wire/hessian/detail/reader_inline.h"
#include "sofa/wire/hessian/detail/shared_holders.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {

using namespace detail;

bool ObjectHead::has(std::string_view field) const { return std::ranges::find(fields, field) != fields.end(); }

Reader::Reader(ByteSpan input, ReaderOptions options)
    : begin_(input.data()),
      at_(begin_),
      end_(begin_ + input.size()),
      tags_((options.dialect == Dialect::h4 ? kH4Tags : kH3Tags).data()),
      value_at_(begin_),
      h4_(options.dialect == Dialect::h4),
      copies_left_(options.limits.copies),
      memory_left_(options.limits.memory),
      limits_(options.limits),
      filter_(options.filter != nullptr && !options.filter->empty() ? options.filter : nullptr),
      arena_(std::move(options.arena)) {
  if (input.size() > UINT32_MAX) fail_with(Code::resource_exhausted, "the input is larger than 4 GiB");
}

Reader::~Reader() {
  for (ClassEntry& entry : classes_) {
    if (entry.mapping != nullptr) entry.mapping->release();
  }
}

const std::shared_ptr<Arena>& Reader::arena() {
  own_arena();
  return arena_;
}

Arena& Reader::own_arena() {
  if (!arena_) arena_ = std::make_shared<Arena>();
  return *arena_;
}

namespace {

/// "User" of "sofa.interop.User".
std::string_view simple_name(const Type& type) {
  const std::string_view name = java_type_of(type);
  const size_t dot = name.rfind('.');
  return type.kind == Kind::structure ? name.substr(dot == std::string_view::npos ? 0 : dot + 1) : "value";
}

}  // namespace

Result<void> Reader::read(const Type& type, void* into, std::string_view label) {
  const bool done = !failed_ && read_any(plan_of(type), into);
  return finish(done, label, done ? std::string_view() : simple_name(type));
}

Result<Value> Reader::read_value(std::string_view label) {
  Value value;
  if (auto done = finish(!failed_ && build(value), label, "value"); !done) return forward_error(done);
  return value;
}

Result<void> Reader::skip(std::string_view label) { return finish(!failed_ && skip_value(), label, "value"); }

Result<ObjectHead> Reader::begin_object(std::string_view label) {
  ObjectHead head;
  auto begin = [&] {
    Tag tag;
    uint8_t byte;
    uint32_t index, number;
    if (!next(tag, byte)) return false;
    if (tag == Tag::null) return true;
    if (!is_object(tag)) return unexpected("an object");
    if (!object_class(tag, byte, index) || !start_number(number)) return false;
    if (!definition_names(classes_[index], &head.fields)) return false;
    head.class_name = classes_[index].name;
    return true;
  };
  if (auto done = finish(!failed_ && begin(), label, "value"); !done) return forward_error(done);
  return head;
}

Result<ObjectHead> Reader::peek_object() {
  ObjectHead head;
  const Position here = position();
  auto look = [&] {
    Tag tag;
    uint8_t byte;
    uint32_t number, index;
    if (!next(tag, byte)) return false;
    if (is_reference(tag)) {
      if (!reference(tag, number) || !go_to_number(number) || !next(tag, byte)) return false;
    }
    if (!is_object(tag)) return true;
    if (!object_class(tag, byte, index) || !definition_names(classes_[index], &head.fields)) return false;
    head.class_name = classes_[index].name;
    return true;
  };
  if (auto done = finish(!failed_ && look(), {}, "value"); !done) return forward_error(done);
  go_to(here);
  return head;
}

Result<void> Reader::expect_end() const {
  if (at_ == end_) return {};
  return fail(Code::invalid_argument, "{} bytes are left over after the last value at byte {}", left(), offset());
}

bool Reader::fail_with(Code code, std::string what) {
  if (failed_) return false;
  failed_ = true;
  error_code_ = code;
  error_ = fmt::format("{} at byte {}", what, value_at_ - begin_);
  return false;
}

bool Reader::truncated() { return fail_with(Code::invalid_argument, fmt::format("the input of {} bytes ends inside a value", end_ - begin_)); }

bool Reader::unexpected(std::string_view expected) {
  if (value_at_ == end_) return truncated();
  return fail_with(Code::invalid_argument,
                   fmt::format("expected {}, found {} (tag 0x{:02x})", expected, detail::describe(tags_[*value_at_]), *value_at_));
}

bool Reader::in_field(std::string_view field) {
  error_path_.insert(0, fmt::format(".{}", field));
  return false;
}

bool Reader::in_item(size_t index) {
  error_path_.insert(0, fmt::format("[{}]", index));
  return false;
}

Result<void> Reader::finish(bool read, std::string_view label, std::string_view root) {
  if (read) [[likely]] {
    return {};
  }
  return fail(error_code_, "{}{}: {}", label.empty() ? root : label, error_path_, error_);
}

Result<void> convert(const Value& value, const Type& type, void* into, const std::shared_ptr<Arena>& arena) {
  Buffer buffer;
  Writer writer(buffer);
  if (auto written = writer.write(value); !written) return written;
  Reader reader(buffer.span(), {.arena = arena});
  return reader.read(type, into);
}

Result<Value> to_value(const Type& type, const void* value, const std::shared_ptr<Arena>& arena) {
  Buffer buffer;
  Writer writer(buffer);
  if (auto written = writer.write(type, value); !written) return forward_error(written);
  Reader reader(buffer.span(), {.arena = arena});
  return reader.read_value();
}

}  // namespace sofa::hessian
