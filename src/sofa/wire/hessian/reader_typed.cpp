#include <algorithm>

#include "sofa/wire/hessian/detail/reader_inline.h"
#include "sofa/wire/hessian/detail/shared_holders.h"
#include "sofa/wire/hessian/detail/special.h"
#include "sofa/wire/hessian/detail/text.h"
#include "sofa/wire/hessian/java_types.h"

namespace sofa::hessian {

using namespace detail;

namespace {

/// Bytes that a list may reserve for items that have not come yet: what it takes beyond is charged as they come, at every depth of nesting.
constexpr size_t kReservedAhead = 256 * 1024;

template <class T>
T& as(void* at) {
  return *static_cast<T*>(at);
}

constexpr size_t kMostExpectedPairs = 4096;  // room for more is only made as they come

int32_t compact_integer(const uint8_t* at, const CompactInteger& form) {
  return static_cast<int32_t>(load_be<uint32_t>(at) >> form.shift) - form.bias;
}

}  // namespace

/// The usual forms of the usual kinds, where a whole short value certainly lies before the end of the input; everything else, and what is wrong,
/// goes the long way.
[[gnu::always_inline]] inline bool Reader::read_field(Op op, const Plan& plan, void* into) {
  if (left() < kAhead) [[unlikely]] {
    return read_any(plan, into);
  }
  const uint8_t* const p = at_;
  const uint8_t byte = *p;
  switch (op) {
    case Op::boolean:
      if (byte != 'T' && byte != 'F') break;
      as<bool>(into) = byte == 'T';
      at_ = p + 1;
      return true;
    case Op::int32:
    case Op::int64: {
      const CompactInteger& form = kCompactIntegers[byte];
      if (form.length == 0) break;
      const int32_t number = compact_integer(p, form);
      if (op == Op::int32) {
        as<int32_t>(into) = number;
      } else {
        as<int64_t>(into) = number;
      }
      at_ = p + form.length;
      return true;
    }
    case Op::float64:
      return read_double(as<double>(into));
    case Op::string:
      if (byte > 31 || !read_short_text(p, as<std::string>(into))) break;
      return true;
    case Op::timestamp:
      if (tags_[byte] != Tag::date_milliseconds) break;
      as<Timestamp>(into).milliseconds = load_be<int64_t>(p + 1);
      at_ = p + 9;
      return true;
    case Op::value:
      if (byte > 31 || !is_ascii(reinterpret_cast<const char*>(p + 1), byte)) return build(as<Value>(into));
      as<Value>(into) = Value::text(own_arena(), {reinterpret_cast<const char*>(p + 1), byte});
      at_ = p + 1 + byte;
      return true;
    case Op::enumeration:
      return (tags_[byte] == Tag::ref_1 && read_constant_again(plan, into)) || read_enumeration(plan, into);
    case Op::structure:
      return read_structure(plan, into);
    case Op::list:
      return read_list(plan, into);
    case Op::map:
      return read_map(plan, into);
    case Op::optional:
    case Op::unique:
    case Op::shared:
    case Op::link:
    case Op::graph:
      return read_indirect(plan, into);
    default:
      break;
  }
  return read_any(plan, into);
}

bool Reader::read_planned(const Plan& plan, void* into) { return read_field(plan.op, plan, into); }

/// An element of a list or map: the usual kinds in line.
[[gnu::always_inline]] inline bool Reader::read_item(const Plan& plan, void* into) {
  if (plan.op == Op::structure) return read_structure(plan, into);
  if (left() >= kAhead) [[likely]] {
    const uint8_t* const p = at_;
    if (plan.op == Op::string && *p <= 31 && read_short_text(p, as<std::string>(into))) return true;
    if (const CompactInteger& form = kCompactIntegers[*p]; plan.op == Op::int64 && form.length != 0) {
      as<int64_t>(into) = compact_integer(p, form);
      at_ = p + form.length;
      return true;
    }
  }
  return read_planned(plan, into);
}

bool Reader::read_indirect(const Plan& plan, void* into) {
  if (*at_ == 'N') {
    ++at_;
    plan.type->indirect->reset(into);
    return true;
  }
  if (plan.op != Op::optional || tags_[*at_] == Tag::definition) return read_pointer(plan, into);
  return read_planned(*plan.item, plan.type->indirect->emplace(into, nullptr));
}

/// A reference to a constant of the same enum that was read before; false, with nothing taken, for any other.
inline bool Reader::read_constant_again(const Plan& plan, void* into) {
  const uint32_t number = at_[1];
  if (number >= starts_.size()) return false;
  const uint32_t known = starts_[number].target;
  if (known == 0 || targets_[known - 1].plan != &plan) return false;
  plan.type->set_number(into, static_cast<const EnumInfo::Value*>(targets_[known - 1].object)->number);
  at_ += 2;
  return true;
}

bool Reader::read_any(const Plan& plan, void* into) {
  int64_t integer = 0;
  double real = 0;
  bool done = false;
  switch (plan.op) {
    case Op::boolean:
      return read_bool(as<bool>(into));
    case Op::int8:
    case Op::uint8:
      done = read_int(integer), as<int8_t>(into) = static_cast<int8_t>(integer);
      return done;
    case Op::int16:
    case Op::uint16:
      done = read_int(integer), as<int16_t>(into) = static_cast<int16_t>(integer);
      return done;
    case Op::int32:
    case Op::uint32:
      done = read_int(integer), as<int32_t>(into) = static_cast<int32_t>(integer);
      return done;
    case Op::int64:
    case Op::uint64:
      return read_int(as<int64_t>(into));
    case Op::float32:
      done = read_double(real), as<float>(into) = static_cast<float>(real);
      return done;
    case Op::float64:
      return read_double(as<double>(into));
    case Op::string:
      return read_text(as<std::string>(into));
    case Op::bytes:
      return read_bytes(as<Bytes>(into));
    case Op::byte_vector:
      done = read_binary(scratch_);
      plan.type->list->clear(into);
      if (!scratch_.empty()) std::memcpy(plan.type->list->extend(into, scratch_.size()), scratch_.data(), scratch_.size());
      return done;
    case Op::timestamp:
      return read_date(as<Timestamp>(into).milliseconds);
    case Op::value:
      return build(as<Value>(into));
    case Op::enumeration:
      return read_enumeration(plan, into);
    case Op::structure:
      return read_structure(plan, into);
    case Op::list:
      return read_list(plan, into);
    case Op::map:
      return read_map(plan, into);
    case Op::special:
      return read_special(plan, into);
    default:
      return read_pointer(plan, into);
  }
}

bool Reader::read_bytes(Bytes& out) {
  const size_t n = at_ == end_ ? 0 : *at_ & 15u;
  if (left() > n && tags_[*at_] == Tag::binary_short) {
    out = Bytes::copy_of(ByteSpan(at_ + 1, n));
    at_ += 1 + n;
    return true;
  }
  const bool done = read_binary(scratch_);
  out = Bytes::copy_of(scratch_);
  return done;
}

bool Reader::read_structure(const Plan& plan, void* into) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte, &plan)) return false;
  uint32_t number = 0, index = 0;
  if (is_object(tag)) {
    if (!object_class(tag, byte, index) || !start_number(number) || !enter()) return false;
    starts_[number].building = true;
    if (!read_fields(plan, into, index)) return false;
    starts_[number].building = false;
    leave();
    return true;
  }
  if (tag == Tag::null) return true;
  if (is_reference(tag)) return reference(tag, number) && read_copy(plan, into, number);
  if (is_map(tag)) return read_map_as_structure(plan, into, tag);
  return unexpected(fmt::format("an object of {}", plan.type->java_type));
}

bool Reader::read_fields(const Plan& plan, void* into, uint32_t class_index) {
  ClassEntry& entry = classes_[class_index];
  const Mapping* mapping = entry.plan == &plan ? entry.mapping : mapping_of(plan, entry);
  if (mapping == nullptr) return false;
  auto* object = static_cast<char*>(into);
  for (const FieldPlan* field : mapping->fields) {
    if (field == nullptr) {
      if (!skip_value()) return false;
    } else if (!read_field(field->op, *field->plan, object + field->offset)) {
      return in_field(field->name);
    }
  }
  return true;
}

/// A map whose keys are the names of the fields: what a Java caller without the class sends.
bool Reader::read_map_as_structure(const Plan& plan, void* into, Tag tag) {
  Container head;
  uint32_t number = 0;
  if (!map_head(tag, head) || !start_number(number) || !enter()) return false;
  starts_[number].building = true;
  std::string key;
  for (int64_t i = 0;; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end) break;
    if (!read_text(key)) return false;
    const auto field = std::ranges::find(plan.fields, std::string_view(key), &FieldPlan::name);
    if (field == plan.fields.end()) {
      if (!skip_value()) return false;
    } else if (!read_planned(*field->plan, static_cast<char*>(into) + field->offset)) {
      return in_field(field->name);
    }
  }
  starts_[number].building = false;
  leave();
  return true;
}

bool Reader::read_enumeration(const Plan& plan, void* into) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte, &plan)) return false;
  Target constant{&plan, nullptr, false, true};
  if (is_object(tag)) {
    uint32_t number = 0, index = 0;
    if (!object_class(tag, byte, index) || !start_number(number)) return false;
    const Mapping* mapping = mapping_of(plan, classes_[index]);
    if (mapping == nullptr) return false;
    std::string text;
    for (const FieldPlan* field : mapping->fields) {
      if (!(field != nullptr ? read_text(text) : skip_value())) return false;
    }
    if (!set_constant(plan, into, text, constant)) return false;
    targets_.push(constant);
    starts_[number].target = static_cast<uint32_t>(targets_.size());
    return true;
  }
  if (tag == Tag::null) return true;
  if (is_string(tag)) {
    std::string text;
    return text_body(tag, byte, text) && set_constant(plan, into, text, constant);
  }
  uint32_t number = 0;
  if (!is_reference(tag)) return unexpected(fmt::format("a constant of {}", plan.type->java_type));
  if (!reference(tag, number)) return false;
  const uint32_t known = starts_[number].target;
  if (known == 0 || targets_[known - 1].plan != &plan) return read_copy(plan, into, number);
  plan.type->set_number(into, static_cast<const EnumInfo::Value*>(targets_[known - 1].object)->number);
  return true;
}

bool Reader::set_constant(const Plan& plan, void* into, std::string_view constant, Target& target) {
  const EnumInfo::Value* value = plan.type->enumeration->by_name(constant);
  if (value == nullptr)
    return fail_with(Code::invalid_argument, fmt::format("{} has no constant \"{}\"", plan.type->java_type, constant.substr(0, 80)));
  plan.type->set_number(into, value->number);
  target.object = const_cast<EnumInfo::Value*>(value);
  return true;
}

bool Reader::read_pointer(const Plan& plan, void* into) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte, plan.item)) return false;
  const IndirectOps& ops = *plan.type->indirect;
  if (tag == Tag::null) {
    ops.reset(into);
    return true;
  }
  if (!enter()) return false;
  bool done = false;
  uint32_t number = 0;
  const bool needs_arena = plan.op == Op::link || plan.op == Op::graph;
  if (!shares(plan.op) || !plan.item->has_identity) {
    at_ = value_at_;
    if (plan.op != Op::optional && !charge(plan.item->type->size)) return false;
    done = read_planned(*plan.item, ops.emplace(into, needs_arena ? &own_arena() : nullptr));
  } else if (is_reference(tag)) {
    done = reference(tag, number) && read_referred(plan, into, number);
  } else {
    at_ = value_at_;
    done = read_shared(plan, into);
  }
  leave();
  return done;
}

/// Reads the next object as one that later references will share.
bool Reader::read_shared(const Plan& plan, void* into) {
  const IndirectOps& ops = *plan.type->indirect;
  const bool shared_pointer = plan.op == Op::shared;
  if (next_number_ < starts_.size()) {  // read again for a reference: what was made the first time is the object
    bool known = false;
    if (!share_known(plan, into, next_number_, known)) return false;
    if (known) return skip_value();
  }
  if (!charge(plan.item->type->size)) return false;
  void* object = ops.emplace(into, shared_pointer ? nullptr : &own_arena());
  targets_.push({plan.item, object, shared_pointer, false});
  const size_t target = targets_.size();
  pending_target_ = static_cast<uint32_t>(target);
  if (!read_planned(*plan.item, object)) return false;
  pending_target_ = 0;
  if (shared_pointer) {
    if (!shared_) shared_ = std::make_unique<SharedHolders>();
    targets_[target - 1].object = shared_->copy(*plan.type, into);
  }
  targets_[target - 1].complete = true;
  return true;
}

/// Points `into` at the object of that number when one of the same type and ownership was made.
bool Reader::share_known(const Plan& plan, void* into, uint32_t number, bool& shared) {
  const uint32_t known = starts_[number].target;
  shared = false;
  if (known == 0) return true;
  const Target& target = targets_[known - 1];
  if (target.plan != plan.item || target.shared != (plan.op == Op::shared)) return true;
  if (target.shared && !target.complete) {
    return fail_with(Code::invalid_argument,
                     fmt::format("object {} ({}) contains itself, and a cycle of shared_ptr would never be freed: make the field a Link", number,
                                 java_type_of(*plan.item->type)));
  }
  if (target.shared) {
    plan.type->indirect->share(into, target.object);
  } else {
    plan.type->indirect->point(into, target.object, &own_arena());
  }
  shared = true;
  return true;
}

bool Reader::read_referred(const Plan& plan, void* into, uint32_t number) {
  bool shared = false;
  if (!share_known(plan, into, number, shared)) return false;
  if (shared) return true;
  const Position here = position();
  if (!go_to_number(number)) return false;
  if (plan.op == Op::shared && starts_[number].building) {
    return fail_with(Code::invalid_argument, fmt::format("object {} contains itself where a shared_ptr points at it: make the field a Link", number));
  }
  if (!read_shared(plan, into)) return false;
  go_to(here);
  return true;
}

/// Reads an object again into a target that holds it by value.
bool Reader::read_copy(const Plan& plan, void* into, uint32_t number) {
  if (starts_[number].building) {
    return fail_with(Code::invalid_argument,
                     fmt::format("object {} contains itself, but {} is held by value: make the field a Link", number, java_type_of(*plan.type)));
  }
  const Position here = position();
  if (!enter() || !go_to_number(number)) return false;
  const uint8_t* const begin = at_;
  // Strings and binaries count when they are read again: few bytes of references must not unfold into memory without bound.
  if (!read_planned(plan, into) || !charge(static_cast<size_t>(at_ - begin))) return false;
  leave();
  go_to(here);
  return true;
}

bool Reader::read_list(const Plan& plan, void* into) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  const ListOps& ops = *plan.type->list;
  uint32_t number = 0;
  if (!is_list(tag)) {
    if (is_reference(tag)) return reference(tag, number) && read_copy(plan, into, number);
    ops.clear(into);
    return tag == Tag::null || unexpected("a list");
  }
  Container head;
  if (tag == Tag::list_h3 && left() >= 2 && *at_ == 'n') {
    head = {UINT32_MAX, at_[1], true};
    at_ += 2;
  } else if (!list_head(tag, byte, head)) {
    return false;
  }
  if (!start_number(number) || !enter()) return false;
  starts_[number].building = true;
  ops.clear(into);
  bool handled = false;
  if (ops.extend != nullptr && !read_numbers(plan, into, head, handled)) return false;
  const size_t item_size = plan.item->type->size;
  if (!handled && head.length > 0) ops.reserve(into, std::min({static_cast<size_t>(head.length), left(), kReservedAhead / item_size}));
  for (int64_t i = 0; !handled; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end) break;
    if (!charge(item_size) || !read_item(*plan.item, ops.append(into))) return in_item(static_cast<size_t>(i));
  }
  starts_[number].building = false;
  leave();
  return true;
}

/// Reads numbers in blocks, so that the list grows by block and not by number.
template <class T>
bool Reader::read_number_list(const Plan& plan, void* into, const Container& head) {
  constexpr size_t kBlock = 128;
  T block[kBlock];
  size_t filled = 0;
  for (int64_t i = 0;; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end || filled == kBlock) {
      if (!charge(filled * sizeof(T))) return false;
      if (filled > 0) std::memcpy(plan.type->list->extend(into, filled), block, filled * sizeof(T));
      filled = 0;
      if (end) return true;
    }
    bool done;
    if constexpr (std::is_floating_point_v<T>) {
      double real = 0;
      done = read_double(real);
      block[filled++] = static_cast<T>(real);
    } else {
      int64_t integer = 0;
      done = read_int(integer);
      block[filled++] = static_cast<T>(integer);
    }
    if (!done) return in_item(static_cast<size_t>(i));
  }
}

bool Reader::read_numbers(const Plan& plan, void* into, const Container& head, bool& handled) {
  handled = true;
  switch (plan.item->op) {
    case Op::int8:
    case Op::uint8:
      return read_number_list<int8_t>(plan, into, head);
    case Op::int16:
    case Op::uint16:
      return read_number_list<int16_t>(plan, into, head);
    case Op::int32:
    case Op::uint32:
      return read_number_list<int32_t>(plan, into, head);
    case Op::int64:
    case Op::uint64:
      return read_number_list<int64_t>(plan, into, head);
    case Op::float32:
      return read_number_list<float>(plan, into, head);
    case Op::float64:
      return read_number_list<double>(plan, into, head);
    default:
      handled = false;
      return true;
  }
}

bool Reader::read_map(const Plan& plan, void* into) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  const MapOps& ops = *plan.type->map;
  uint32_t number = 0;
  if (!is_map(tag)) {
    if (is_reference(tag)) return reference(tag, number) && read_copy(plan, into, number);
    ops.clear(into);
    return tag == Tag::null || unexpected("a map");
  }
  Container head;
  if (!map_head(tag, head) || !start_number(number) || !enter()) return false;
  starts_[number].building = true;
  ops.clear(into);
  struct Context {
    Reader& reader;
    const Plan& plan;
  } context{*this, plan};
  const size_t pair_size = plan.key->type->size + plan.item->type->size;
  // A map's length is not on the wire; it is often that of the last one. Each map's pairs are made room for twice at most, so memory stays bounded.
  if (const size_t likely = std::min(plan.last_size, left() / 2); likely > 0 && ops.reserve != nullptr) ops.reserve(into, likely);
  for (int64_t i = 0;; ++i) {
    bool end = false;
    if (!ends(head, i, end)) return false;
    if (end) break;
    const bool done = charge(pair_size) && ops.insert(into, &context, [](void* opaque, void* key, void* value) {
      auto& c = *static_cast<Context*>(opaque);
      return c.reader.read_item(*c.plan.key, key) && c.reader.read_item(*c.plan.item, value);
    });
    if (!done) {
      fail_with(Code::resource_exhausted, "too many keys of a std::unordered_map have the same hash: use hessian::HashMap or std::map");
      return in_item(static_cast<size_t>(i));
    }
  }
  plan.last_size = std::min(ops.size(into), kMostExpectedPairs);
  starts_[number].building = false;
  leave();
  return true;
}

bool Reader::read_special(const Plan& plan, void* into) {
  const uint8_t* const here = at_;
  Value value;
  if (!build(value)) return false;
  own_arena();
  if (auto done = special_from_value(*plan.type, into, value, arena_); !done) {
    value_at_ = here;
    return fail_with(done.error().code(), std::string(done.error().message()));
  }
  return true;
}

}  // namespace sofa::hessian
