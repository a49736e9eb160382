#include <algorithm>

#include "sofa/wire/hessian/detail/reader_inline.h"
#include "sofa/wire/hessian/detail/text.h"

namespace sofa::hessian {

using namespace detail;

namespace {

constexpr std::string_view view(const uint8_t* at, size_t n) { return {reinterpret_cast<const char*>(at), n}; }

}  // namespace

/// Takes a class definition. One that is byte for byte what `expected` saw last needs no reading of names.
bool Reader::definition(const Plan* expected) {
  if (next_class_ < classes_.size()) {  // a value that is read again: its classes are known
    const ClassEntry& known = classes_[next_class_++];
    at_ = begin_ + known.offset + known.size;
    return true;
  }
  if (classes_.size() == limits_.definitions) {
    return fail_with(Code::resource_exhausted, fmt::format("more than {} class definitions", limits_.definitions));
  }
  ClassEntry entry{static_cast<uint32_t>(at_ - begin_), 0, {}, 0, nullptr, nullptr, nullptr};
  Mapping* seen = expected == nullptr || filter_ != nullptr ? nullptr : expected->last_mapping[h4_];
  if (seen != nullptr && left() >= seen->definition.size() && std::memcmp(at_, seen->definition.data(), seen->definition.size()) == 0) {
    at_ += seen->definition.size();
    entry.field_count = static_cast<uint32_t>(seen->fields.size());
    set_mapping(entry, *expected, seen);
  } else if (!definition_names(entry, nullptr)) {
    return false;
  }
  entry.size = static_cast<uint32_t>(at_ - begin_) - entry.offset;
  classes_.push(entry);
  ++next_class_;
  return true;
}

/// Reads the class name and counts or lists the fields of a definition; leaves the position behind it only when it was not known before.
bool Reader::definition_names(ClassEntry& entry, std::vector<std::string_view>* fields) {
  const uint8_t* const here = at_;
  at_ = begin_ + entry.offset + 1;
  int64_t n = 0;
  if (h4_) {
    if (!name(entry.name)) return false;
  } else if (!count(n) || !name_of_units(static_cast<size_t>(n), entry.name)) {
    return false;
  }
  if (!admit(entry.name) || !count(n)) return false;
  if (n > limits_.fields)
    return fail_with(Code::resource_exhausted, fmt::format("class {} has {} fields, more than {}", entry.name, n, limits_.fields));
  entry.field_count = static_cast<uint32_t>(n);
  for (int64_t i = 0; i < n; ++i) {
    std::string_view field;
    if (!name(field)) return false;
    if (fields != nullptr) fields->push_back(field);
  }
  if (entry.size != 0) at_ = here;
  return true;
}

bool Reader::admit(std::string_view class_name) {
  if (filter_ == nullptr || filter_->admits(class_name)) return true;
  return fail_with(Code::permission_denied, fmt::format("class {} is not admitted by the class filter; allow it there if it is wanted", class_name));
}

bool Reader::object_class(Tag tag, uint8_t byte, uint32_t& index) {
  const uint8_t* const tag_at = value_at_;
  int64_t number = byte & 15;
  if (tag == Tag::object && left() > 0 && *at_ >= 0x90 && *at_ <= 0xbf) [[likely]] {
    number = *at_++ - 0x90;
  } else if (tag == Tag::object && !count(number)) {
    return false;
  }
  value_at_ = tag_at;
  index = static_cast<uint32_t>(number);
  return number < next_class_ || fail_with(Code::invalid_argument, fmt::format("class number {} where {} are defined", number, next_class_));
}

bool Reader::reference(Tag tag, uint32_t& number) {
  const uint8_t* const tag_at = value_at_;
  int64_t found = 0;
  if (tag == Tag::ref_int) {
    if (!count(found)) return false;
  } else {
    const size_t size = tag == Tag::ref_1 ? 1 : tag == Tag::ref_2 ? 2 : 4;
    if (!need(size)) return false;
    for (size_t i = 0; i < size; ++i) found = found << 8 | *at_++;
  }
  value_at_ = tag_at;
  number = static_cast<uint32_t>(found);
  return found < static_cast<int64_t>(starts_.size()) ||
         fail_with(Code::invalid_argument, fmt::format("a reference to object {} where {} were read", found, starts_.size()));
}

bool Reader::add_type(std::string_view type_name, uint32_t& index) {
  index = next_type_++;
  if (index < types_.size()) return true;
  if (types_.size() == limits_.definitions) {
    return fail_with(Code::resource_exhausted, fmt::format("more than {} names of types", limits_.definitions));
  }
  types_.push({type_name, false});
  return admit(type_name);
}

bool Reader::type_reference(uint32_t& index) {
  int64_t number = 0;
  if (!count(number)) return false;
  index = static_cast<uint32_t>(number);
  return number < next_type_ || fail_with(Code::invalid_argument, fmt::format("type number {} where {} are named", number, next_type_));
}

/// `t` and a name, or `u` and the number of a name; nothing when the list or map has no type.
bool Reader::type_h3(uint32_t& index) {
  if (at_ == end_) return truncated();
  if (*at_ == 'u') {
    ++at_;
    return type_reference(index);
  }
  if (*at_ != 't') return true;
  ++at_;
  if (!need(2)) return false;
  const size_t units = load_be<uint16_t>(at_);
  at_ += 2;
  std::string_view type_name;
  return name_of_units(units, type_name) && add_type(type_name, index);
}

bool Reader::type_h4(uint32_t& index) {
  if (at_ == end_) return truncated();
  if (!is_string(tags_[*at_])) return type_reference(index);
  std::string_view type_name;
  return name(type_name) && add_type(type_name, index);
}

bool Reader::list_head(Tag tag, uint8_t byte, Container& head) {
  const uint8_t* const tag_at = value_at_;
  bool good = true;
  switch (tag) {
    case Tag::list_h3:
      head.end_mark = true;
      good = type_h3(head.type);
      if (good && left() >= 2 && *at_ == 'n') {
        head.length = at_[1];
        at_ += 2;
      } else if (good && left() >= 5 && *at_ == 'l') {
        head.length = load_be<int32_t>(at_ + 1);
        at_ += 5;
        if (head.length < 0) return fail_with(Code::invalid_argument, fmt::format("a list has {} items", head.length));
      }
      break;
    case Tag::list_h3_again:
      good = type_reference(head.type) && count(head.length);
      break;
    case Tag::list_typed_short:
      head.length = byte & 7, good = type_h4(head.type);
      break;
    case Tag::list_typed:
      good = type_h4(head.type) && count(head.length);
      break;
    case Tag::list_typed_open:
      head.end_mark = true, good = type_h4(head.type);
      break;
    case Tag::list_short:
      head.length = byte & 7;
      break;
    case Tag::list_untyped:
      good = count(head.length);
      break;
    default:
      head.end_mark = true;
      break;
  }
  value_at_ = tag_at;
  if (!good) return false;
  // Each item takes a byte or more. H3's length before an end mark is a hint that Java ignores.
  if (head.end_mark || head.length <= static_cast<int64_t>(left())) return true;
  return fail_with(Code::invalid_argument, fmt::format("a list of {} items where {} bytes are left", head.length, left()));
}

bool Reader::map_head(Tag tag, Container& head) {
  const uint8_t* const tag_at = value_at_;
  head.end_mark = true;
  const bool good = tag == Tag::map_h3 ? type_h3(head.type) : tag == Tag::map_untyped || type_h4(head.type);
  value_at_ = tag_at;
  return good;
}

void Reader::set_mapping(ClassEntry& entry, const Plan& plan, Mapping* mapping) {
  mapping->retain();
  if (entry.mapping != nullptr) entry.mapping->release();
  entry.plan = &plan;
  entry.mapping = mapping;
}

/// Which described field each field of the class is. Null after an error.
Mapping* Reader::mapping_of(const Plan& plan, ClassEntry& entry) {
  if (entry.plan == &plan) return entry.mapping;
  const std::string_view raw = view(begin_ + entry.offset, entry.size);
  Mapping*& last = plan.last_mapping[h4_];
  if (last == nullptr || last->definition != raw) {
    std::vector<std::string_view> names;
    if (!definition_names(entry, &names)) return nullptr;
    auto made = std::make_unique<Mapping>();
    made->definition = raw;
    std::vector<bool> taken(plan.fields.size());
    for (std::string_view field : names) {
      const auto at = std::ranges::find(plan.fields, field, &FieldPlan::name);
      const bool fresh = at != plan.fields.end() && !taken[static_cast<size_t>(at - plan.fields.begin())];
      if (fresh) taken[static_cast<size_t>(at - plan.fields.begin())] = true;
      made->fields.push_back(fresh ? &*at : nullptr);
    }
    if (last != nullptr) last->release();
    last = made.release();
  }
  set_mapping(entry, plan, last);
  return last;
}

/// The class as dynamic objects have it, in the arena. Null after an error.
const ObjectClass* Reader::dynamic_class(uint32_t index) {
  ClassEntry& entry = classes_[index];
  if (entry.dynamic != nullptr) return entry.dynamic;
  std::vector<std::string_view> names;
  if (!definition_names(entry, &names)) return nullptr;
  if (!charge(entry.size + names.size() * sizeof(std::string_view))) return nullptr;
  auto* made = const_cast<ObjectClass*>(make_class(own_arena(), entry.name, names));
  const std::string_view raw = view(begin_ + entry.offset, entry.size);
  made->defined_again = std::any_of(classes_.begin(), classes_.begin() + index,
                                    [&](const ClassEntry& earlier) { return raw == view(begin_ + earlier.offset, earlier.size); });
  return entry.dynamic = made;
}

std::string_view Reader::kept_type(uint32_t type) {
  if (type == UINT32_MAX) return {};
  TypeEntry& entry = types_[type];
  if (!entry.kept) entry = {keep(own_arena(), entry.name), true};
  return entry.name;
}

void Reader::go_to(const Position& position) {
  at_ = position.at;
  next_number_ = position.number;
  next_class_ = position.classes;
  next_type_ = position.types;
}

/// Goes to the beginning of an object read or begun before, to read it again for a reference.
bool Reader::go_to_number(uint32_t number) {
  if (number >= starts_.size())
    return fail_with(Code::invalid_argument, fmt::format("a reference to object {} where {} were read", number, starts_.size()));
  const Start& start = starts_[number];
  go_to({begin_ + start.offset, number, start.classes, start.types});
  return true;
}

}  // namespace sofa::hessian
