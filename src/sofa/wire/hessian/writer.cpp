#include "sofa/wire/hessian/writer.h"

#include "sofa/wire/hessian/detail/plan.h"
#include "sofa/wire/hessian/detail/text.h"

namespace sofa::hessian {

using namespace detail;

namespace {

constexpr uint32_t kNone = UINT32_MAX;

uint64_t next_epoch() {
  thread_local uint64_t epoch = 0;
  return ++epoch;
}

}  // namespace

Writer::Writer(Buffer& buffer, WriterOptions options)
    : buffer_(buffer),
      options_(options),
      h4_(options.dialect == Dialect::h4),
      boxes_small_numbers_(h4_ && options.family == Family::sofa),
      epoch_(next_epoch()) {}

Writer::~Writer() = default;

Result<void> Writer::write(const Value& value) { return finish(write_value(value)); }

Result<void> Writer::finish(bool written) {
  if (written) [[likely]] {
    return {};
  }
  depth_ = 0;
  return std::unexpected(*error_);
}

bool Writer::fail_with(Error error) {
  if (!error_) error_ = std::make_unique<Error>(std::move(error));
  return false;
}

bool Writer::too_deep() {
  return fail_with(
      Error(Code::resource_exhausted, fmt::format("the value is nested deeper than {}; send less, or raise WriterOptions::depth", options_.depth)));
}

/// Writes a reference when the object was written before; else notes that the object about to be written has the next number.
bool Writer::refer_again(const void* address, const void* kind) {
  const uint32_t number = written_.find_or_insert(address, kind, next_number_);
  if (number == AddressMap::kNone) return false;
  put_reference(number);
  return true;
}

void Writer::put_reference(uint32_t number) {
  if (h4_) {
    put(0x51);
    write_int(static_cast<int32_t>(number));
  } else if (number < 0x100) {
    put(0x4a);
    put(static_cast<uint8_t>(number));
  } else if (number < 0x10000) {
    put(0x4b);
    buffer_.append_be16(static_cast<uint16_t>(number));
  } else {
    put('R');
    buffer_.append_be32(number);
  }
}

/// The number of a type named before in the stream, or kNone after giving it the next one.
uint32_t Writer::type_number(std::string_view name) {
  for (size_t i = 0; i < types_.size(); ++i) {
    if (types_[i] == name) return static_cast<uint32_t>(i);
  }
  types_.push(name);
  return kNone;
}

void Writer::put_type(std::string_view name) {
  const uint32_t number = type_number(name);
  if (number != kNone) {
    if (!h4_) put('u');
    return write_int(static_cast<int32_t>(number));
  }
  if (h4_) return write_string(name);
  const size_t units = utf16_length(name);
  put('t');
  buffer_.append_be16(static_cast<uint16_t>(units));
  put_units(name, units);
}

void Writer::put_length(size_t n) {
  if (n < 256) {
    put('n');
    put(static_cast<uint8_t>(n));
  } else {
    put('l');
    buffer_.append_be32(static_cast<uint32_t>(n));
  }
}

void Writer::begin_list(std::string_view type, size_t n) {
  ++next_number_;
  const auto length = static_cast<int32_t>(n);
  if (h4_) {
    open_lists_.push(false);
    const bool is_short = n <= 7;
    if (type.empty()) {
      put(static_cast<uint8_t>(is_short ? 0x78 + n : 0x58));
    } else {
      put(static_cast<uint8_t>(is_short ? 0x70 + n : 'V'));
      put_type(type);
    }
    if (!is_short) write_int(length);
    return;
  }
  if (!type.empty()) {
    const uint32_t number = type_number(type);
    open_lists_.push(number == kNone);
    if (number != kNone) {
      put('v');
      write_int(static_cast<int32_t>(number));
      return write_int(length);
    }
    put('V');
    put('t');
    const size_t units = utf16_length(type);
    buffer_.append_be16(static_cast<uint16_t>(units));
    put_units(type, units);
    return put_length(n);
  }
  open_lists_.push(true);
  put('V');
  put_length(n);
}

void Writer::end_list() {
  if (open_lists_.back()) put('z');
  open_lists_.pop();
}

void Writer::begin_map(std::string_view type) {
  ++next_number_;
  if (h4_ && type.empty()) return put('H');
  put('M');
  if (!type.empty()) put_type(type);
}

void Writer::end_map() { put(h4_ ? 'Z' : 'z'); }

void Writer::begin_object(const ObjectClass& object_class) {
  const uint32_t number = class_number(object_class);
  ++next_number_;
  put_object_head(number);
}

void Writer::put_object_head(uint32_t class_number) {
  if (h4_ && class_number < 16) return put(static_cast<uint8_t>(0x60 + class_number));
  put(h4_ ? 'O' : 'o');
  write_int(static_cast<int32_t>(class_number));
}

void Writer::put_definition(std::string_view name, std::span<const std::string_view> fields) {
  if (h4_) {
    put('C');
    write_string(name);
  } else {
    put('O');
    const size_t units = utf16_length(name);
    write_int(static_cast<int32_t>(units));
    put_units(name, units);
  }
  write_int(static_cast<int32_t>(fields.size()));
  for (std::string_view field : fields) write_string(field);
}

uint32_t Writer::add_class(std::string_view name, std::span<const std::string_view> fields) {
  classes_.push({name, fields});
  return static_cast<uint32_t>(classes_.size() - 1);
}

uint32_t Writer::class_number(const ObjectClass& object_class) {
  const auto fresh = static_cast<uint32_t>(classes_.size());
  const uint32_t known = class_numbers_.find_or_insert(&object_class, nullptr, fresh);
  if (known != AddressMap::kNone) return known;
  if (!object_class.defined_again) {
    for (uint32_t i = 0; i < fresh; ++i) {
      if (classes_[i].name != object_class.name || !std::ranges::equal(classes_[i].fields, object_class.fields)) continue;
      class_numbers_.replace(&object_class, nullptr, i);
      return i;
    }
  }
  put_definition(object_class.name, object_class.fields);
  return add_class(object_class.name, object_class.fields);
}

bool Writer::write_value(const Value& value) {
  switch (value.kind()) {
    case ValueKind::null:
      write_null();
      return true;
    case ValueKind::boolean:
      write_bool(value.boolean());
      return true;
    case ValueKind::int32:
      write_int(static_cast<int32_t>(value.integer()));
      return true;
    case ValueKind::int64:
      write_long(value.integer());
      return true;
    case ValueKind::float64:
      write_double(value.number());
      return true;
    case ValueKind::date:
      write_date(value.integer());
      return true;
    case ValueKind::string:
      write_string(value.text());
      return true;
    case ValueKind::bytes:
      write_bytes(value.bytes());
      return true;
    default:
      break;
  }
  if (!h4_ && value.object() != nullptr && &value.object()->object_class() == &kRemoteClass) {
    write_remote(*value.object());
    return true;
  }
  if (refer_again(value.node(), nullptr)) return true;
  if (!enter()) return false;
  const bool written = value.list()  ? write_list_node(*value.list())
                       : value.map() ? write_map_node(*value.map())
                                     : write_object_node(*value.object());
  leave();
  return written;
}

bool Writer::write_list_node(const List& list) {
  begin_list(list.type, list.size());
  for (const Value& item : list.items) {
    if (!write_value(item)) return false;
  }
  end_list();
  return true;
}

bool Writer::write_map_node(const Map& map) {
  begin_map(map.type);
  for (const Map::Entry& entry : map.entries) {
    if (!write_value(entry.key) || !write_value(entry.value)) return false;
  }
  end_map();
  return true;
}

bool Writer::write_object_node(const Object& object) {
  begin_object(object.object_class());
  for (const Value& value : object.values()) {
    if (!write_value(value)) return false;
  }
  return true;
}

/// `r` type url: takes no number. A reader gives it as an object of kRemoteClass.
void Writer::write_remote(const Object& object) {
  const std::string_view texts[] = {object[0].text(), object[1].text()};
  put('r');
  for (int i = 0; i < 2; ++i) {
    const size_t units = utf16_length(texts[i]);
    put(i == 0 ? 't' : 'S');
    buffer_.append_be16(static_cast<uint16_t>(units));
    put_units(texts[i], units);
  }
}

}  // namespace sofa::hessian
