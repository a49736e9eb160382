#include <algorithm>

#include "sofa/wire/hessian/detail/reader_inline.h"
#include "sofa/wire/hessian/detail/text.h"

namespace sofa::hessian {

using namespace detail;

bool Reader::build(Value& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  int64_t integer = 0;
  double real = 0;
  if (tag >= Tag::int_1 && tag <= Tag::long_9) {
    if (!integer_body(tag, byte, integer)) return false;
    out = tag <= Tag::int_5 ? Value(static_cast<int32_t>(integer)) : Value(integer);
    return true;
  }
  if (tag >= Tag::double_zero && tag <= Tag::double_9) {
    if (!double_body(tag, real)) return false;
    out = Value(real);
    return true;
  }
  switch (tag) {
    case Tag::invalid:
      return unexpected("a value");
    case Tag::null:
      out = Value();
      return true;
    case Tag::true_value:
    case Tag::false_value:
      out = Value(tag == Tag::true_value);
      return true;
    case Tag::date_milliseconds:
    case Tag::date_minutes:
      if (!date_body(tag, integer)) return false;
      out = Value::date(integer);
      return true;
    case Tag::remote:
      return build_remote(out);
    default:
      break;
  }
  if (is_string(tag) || is_binary(tag)) return build_text(tag, byte, out);
  if (is_reference(tag)) {
    uint32_t number = 0;
    return reference(tag, number) && build_referred(number, out);
  }
  if (next_number_ < starts_.size() && starts_[next_number_].node != 0) {  // read again, and this part was built before
    out = nodes_[starts_[next_number_].node - 1];
    return skip_container(tag, byte);
  }
  if (!enter()) return false;
  const bool built = is_list(tag) ? build_list(tag, byte, out) : is_map(tag) ? build_map(tag, out) : build_object(tag, byte, out);
  leave();
  return built;
}

bool Reader::build_text(Tag tag, uint8_t byte, Value& out) {
  if (tag == Tag::string_short && left() >= byte && is_ascii(reinterpret_cast<const char*>(at_), byte)) {
    out = Value::text(own_arena(), {reinterpret_cast<const char*>(at_), byte});
    at_ += byte;
    return true;
  }
  scratch_.clear();
  const bool is_text = is_string(tag);
  if (!(is_text ? text_body(tag, byte, scratch_) : binary_body(tag, byte, scratch_))) return false;
  out = is_text ? Value::text(own_arena(), scratch_) : Value::bytes(own_arena(), as_bytes(scratch_));
  return true;
}

void Reader::set_node(uint32_t number, const Value& node) {
  nodes_.push(node);
  starts_[number].node = static_cast<uint32_t>(nodes_.size());
}

bool Reader::build_list(Tag tag, uint8_t byte, Value& out) {
  Container head;
  uint32_t number = 0;
  if (!list_head(tag, byte, head) || !start_number(number) || !charge(sizeof(List))) return false;
  List* list = own_arena().make<List>(own_arena(), kept_type(head.type));
  out = list;
  set_node(number, out);
  if (head.length > 0) {
    const size_t justified = std::min({static_cast<size_t>(head.length), left(), memory_left_ / sizeof(Value)});
    list->items.reserve(justified);
  }
  for (int64_t i = 0;; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end) return true;
    Value item;
    if (!charge(sizeof(Value)) || !build(item)) return in_item(static_cast<size_t>(i));
    list->push(item);
  }
}

bool Reader::build_map(Tag tag, Value& out) {
  Container head;
  uint32_t number = 0;
  if (!map_head(tag, head) || !start_number(number) || !charge(sizeof(Map))) return false;
  Map* map = own_arena().make<Map>(own_arena(), kept_type(head.type));
  out = map;
  set_node(number, out);
  for (int64_t i = 0;; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end) return true;
    Map::Entry entry;
    if (!charge(sizeof(Map::Entry)) || !build(entry.key) || !build(entry.value)) return in_item(static_cast<size_t>(i));
    map->push(entry.key, entry.value);
  }
}

bool Reader::build_object(Tag tag, uint8_t byte, Value& out) {
  uint32_t index = 0, number = 0;
  if (!object_class(tag, byte, index) || !start_number(number)) return false;
  const ObjectClass* object_class = dynamic_class(index);
  if (object_class == nullptr) return false;
  const size_t n = object_class->fields.size();
  if (n > left()) return truncated();
  if (!charge(sizeof(Object) + n * sizeof(Value))) return false;
  Object* object = make_object(own_arena(), *object_class);
  out = object;
  set_node(number, out);
  for (size_t i = 0; i < n; ++i) {
    if (!build((*object)[i])) return in_field(object_class->fields[i]);
  }
  return true;
}

/// The node that was built for the object; made now when the object was read into a described type or dropped.
bool Reader::build_referred(uint32_t number, Value& out) {
  if (const uint32_t node = starts_[number].node; node != 0) {
    out = nodes_[node - 1];
    return true;
  }
  const Position here = position();
  if (!enter() || !go_to_number(number) || !build(out)) return false;
  leave();
  go_to(here);
  return true;
}

/// `r` type url, as an object with these fields; it takes no number.
bool Reader::build_remote(Value& out) {
  if (!charge(sizeof(Object) + 2 * sizeof(Value))) return false;
  Object* object = make_object(own_arena(), kRemoteClass);
  for (size_t i = 0; i < 2; ++i) {
    size_t units = 0;
    scratch_.clear();
    if (!remote_part(i, units) || !append_units(units, 0, scratch_)) return false;
    (*object)[i] = Value::text(own_arena(), scratch_);
  }
  out = object;
  return true;
}

/// The length of a remote object's type (part 0) or url (part 1).
bool Reader::remote_part(size_t part, size_t& units) {
  if (!need(3)) return false;
  if (*at_ != (part == 0 ? 't' : 'S')) return fail_with(Code::invalid_argument, "a remote object without a type and a url");
  units = load_be<uint16_t>(at_ + 1);
  at_ += 3;
  return true;
}

bool Reader::skip_value() {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  if (is_reference(tag)) {
    uint32_t number = 0;
    return reference(tag, number);
  }
  if (tag == Tag::remote) {
    size_t type = 0, url = 0;
    return remote_part(0, type) && skip_units(type) && remote_part(1, url) && skip_units(url);
  }
  return tag < Tag::list_h3 ? skip_scalar(tag, byte) : skip_container(tag, byte);
}

bool Reader::skip_container(Tag tag, uint8_t byte) {
  if (!enter()) return false;
  Container head;
  uint32_t number = 0, index = 0;
  if (is_object(tag)) {
    if (!object_class(tag, byte, index) || !start_number(number)) return false;
    for (uint32_t i = classes_[index].field_count; i > 0; --i) {
      if (!skip_value()) return false;
    }
    leave();
    return true;
  }
  const bool list = is_list(tag);
  if (!(list ? list_head(tag, byte, head) : map_head(tag, head)) || !start_number(number)) return false;
  for (int64_t i = 0;; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end) break;
    if (!skip_value() || (!list && !skip_value())) return false;
  }
  leave();
  return true;
}

}  // namespace sofa::hessian
