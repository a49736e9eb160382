#include "sofa/wire/hessian/detail/plan.h"
#include "sofa/wire/hessian/detail/special.h"
#include "sofa/wire/hessian/java_types.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {

using namespace detail;

namespace {

template <class T>
const T& as(const void* at) {
  return *static_cast<const T*>(at);
}

/// A value that Java boxes in a class which the wire may show: Byte, Short, Float.
bool is_small(Op op) { return op == Op::int8 || op == Op::int16 || op == Op::float32; }

}  // namespace

Result<void> Writer::write(const Type& type, const void* value) {
  const uint8_t* end = put_planned(plan_of(type), value, open());
  if (end != nullptr) [[likely]] {
    close(end);
  }
  return finish(end != nullptr);
}

/// Writes something that goes through the buffer; `write` answers false after an error.
template <class F>
uint8_t* Writer::through_buffer(uint8_t* p, F&& write) {
  close(p);
  return write() ? open() : nullptr;
}

[[gnu::always_inline]] inline uint8_t* Writer::put_text(std::string_view text, uint8_t* p) {
  p[0] = static_cast<uint8_t>(text.size());
  if (text.size() <= 31 && copy_short_ascii(p + 1, text.data(), text.size())) [[likely]] {
    return roomy(p + 1 + text.size());
  }
  return put_other_text(text, p);
}

uint8_t* Writer::put_other_text(std::string_view text, uint8_t* p) {
  if (uint8_t* end = put_short_text(p, text)) return roomy(end);
  return through_buffer(p, [&] { return put_long_string(text), true; });
}

/// Any value; in line where the fields of a structure are written, so that each costs one jump.
[[gnu::always_inline]] inline uint8_t* Writer::put_field(Op op, const Plan* plan, const void* at, uint8_t* p) {
  if (op == Op::optional) {
    at = plan->type->indirect->get(at);
    if (at == nullptr) {
      *p++ = 'N';
      return roomy(p);
    }
    plan = plan->item;
    op = plan->op;
    if (is_small(op)) return put_small_boxed(*plan, at, p);
  }
  switch (op) {
    case Op::boolean:
      *p++ = as<bool>(at) ? 'T' : 'F';
      break;
    case Op::int32:
      p = put_int(p, as<int32_t>(at));
      break;
    case Op::int64:
      p = put_long(p, as<int64_t>(at), h4_);
      break;
    case Op::float64:
      p = put_double(p, as<double>(at), h4_);
      break;
    case Op::string:
      return put_text(as<std::string>(at), p);
    case Op::timestamp:
      p = put_date(p, as<Timestamp>(at).milliseconds, h4_);
      break;
    case Op::bytes:
      return put_bytes(as<Bytes>(at), p);
    case Op::value:
      return put_value(as<Value>(at), p);
    case Op::enumeration:
      return put_enumeration(*plan, at, p);
    case Op::structure:
      return put_structure(*plan, at, p);
    case Op::list:
      return put_list(*plan, at, p);
    case Op::map:
      return put_map(*plan, at, p);
    case Op::optional:
    case Op::unique:
    case Op::shared:
    case Op::link:
    case Op::graph:
      return put_indirect(*plan, at, p);
    default:
      return put_rare(*plan, at, p);
  }
  return roomy(p);
}

uint8_t* Writer::put_planned(const Plan& plan, const void* at, uint8_t* p) { return put_field(plan.op, &plan, at, p); }

/// An element of a list or map: of the usual kinds in line.
[[gnu::always_inline]] inline uint8_t* Writer::put_item(const Plan& plan, const void* at, uint8_t* p) {
  if (plan.op == Op::string) return put_text(as<std::string>(at), p);
  if (plan.op == Op::int64) return roomy(put_long(p, as<int64_t>(at), h4_));
  if (plan.op == Op::structure) return put_structure(plan, at, p);
  if (plan.op == Op::value) return put_value(as<Value>(at), p);
  return put_planned(plan, at, p);
}

uint8_t* Writer::put_value(const Value& value, uint8_t* p) {
  switch (value.kind()) {
    case ValueKind::string:
      return put_text(value.text(), p);
    case ValueKind::int32:
      return roomy(put_int(p, static_cast<int32_t>(value.integer())));
    case ValueKind::int64:
      return roomy(put_long(p, value.integer(), h4_));
    default:
      return through_buffer(p, [&] { return write_value(value); });
  }
}

uint8_t* Writer::put_rare(const Plan& plan, const void* at, uint8_t* p) {
  switch (plan.op) {
    case Op::int8:
      return roomy(put_int(p, as<int8_t>(at)));
    case Op::int16:
      return roomy(put_int(p, as<int16_t>(at)));
    case Op::uint8:
      return roomy(put_int(p, static_cast<int8_t>(as<uint8_t>(at))));
    case Op::uint16:
      return roomy(put_int(p, static_cast<int16_t>(as<uint16_t>(at))));
    case Op::uint32:
      return roomy(put_int(p, static_cast<int32_t>(as<uint32_t>(at))));
    case Op::uint64:
      return roomy(put_long(p, static_cast<int64_t>(as<uint64_t>(at)), h4_));
    case Op::float32:
      return through_buffer(p, [&] { return write_float(as<float>(at), false), true; });
    case Op::bytes:
      return put_bytes(as<Bytes>(at), p);
    case Op::byte_vector:
      return through_buffer(p, [&] { return write_byte_vector(plan, at), true; });
    default:
      return through_buffer(p, [&] { return write_special(plan, at); });
  }
}

uint8_t* Writer::put_bytes(ByteSpan bytes, uint8_t* p) {
  const size_t n = bytes.size();
  if (n > 15) return through_buffer(p, [&] { return write_bytes(bytes), true; });
  *p++ = static_cast<uint8_t>(0x20 + n);
  if (n > 0) std::memcpy(p, bytes.data(), n);
  return roomy(p + n);
}

/// A value where Java has an Object: a Byte, a Short or a Float is not a byte, a short or a float.
[[gnu::always_inline]] inline uint8_t* Writer::put_boxed(const Plan& plan, const void* at, uint8_t* p) {
  return is_small(plan.op) ? put_small_boxed(plan, at, p) : put_item(plan, at, p);
}

uint8_t* Writer::put_small_boxed(const Plan& plan, const void* at, uint8_t* p) {
  if (plan.op == Op::float32) return through_buffer(p, [&] { return write_float(as<float>(at), true), true; });
  if (boxes_small_numbers_ && plan.op == Op::int8)
    return through_buffer(p, [&] { return write_handle("ByteHandle", as<int8_t>(at), nullptr), true; });
  if (boxes_small_numbers_ && plan.op == Op::int16)
    return through_buffer(p, [&] { return write_handle("ShortHandle", as<int16_t>(at), nullptr), true; });
  return put_planned(plan, at, p);
}

uint8_t* Writer::put_indirect(const Plan& plan, const void* at, uint8_t* p) {
  const void* target = plan.type->indirect->get(at);
  if (target == nullptr) {
    *p++ = 'N';
    return roomy(p);
  }
  if (!enter()) return nullptr;
  bool again = false;
  if (shares(plan.op) && plan.item->has_identity) p = through_buffer(p, [&] { return again = refer_again(target, plan.item), true; });
  if (!again) p = put_planned(*plan.item, target, p);
  leave();
  return p;
}

void Writer::write_handle(std::string_view short_name, int32_t integer, const double* real) {
  static constexpr std::string_view kField[] = {"_value"};
  static constexpr ObjectClass kHandles[] = {
      {"com.caucho.hessian.io.ByteHandle", kField}, {"com.caucho.hessian.io.ShortHandle", kField}, {"com.caucho.hessian.io.FloatHandle", kField}};
  begin_object(kHandles[short_name == "ByteHandle" ? 0 : short_name == "ShortHandle" ? 1 : 2]);
  if (real != nullptr) {
    write_double(*real);
  } else {
    write_int(integer);
  }
}

void Writer::write_byte_vector(const Plan& plan, const void* at) {
  const ListOps& ops = *plan.type->list;
  write_bytes({static_cast<const uint8_t*>(ops.data(at)), ops.size(at)});
}

/// The number of the described class in this stream, after its definition if it has none yet.
uint32_t Writer::class_number(const Plan& plan) {
  if (plan.writer_epoch == epoch_) return plan.class_number;
  const auto fresh = static_cast<uint32_t>(classes_.size());
  uint32_t number = class_numbers_.find_or_insert(&plan, nullptr, fresh);
  if (number == AddressMap::kNone) {
    const Plan::Spelling& spelling = plan.spellings[static_cast<size_t>(options_.family)];
    std::string& definition = const_cast<std::string&>(spelling.definitions[h4_ ? 1 : 0]);
    if (definition.empty()) {
      const size_t start = buffer_.size();
      put_definition(spelling.class_name, spelling.names);
      definition = as_text(buffer_.span().subspan(start));
    } else {
      buffer_.append(definition);
    }
    number = add_class(spelling.class_name, spelling.names);
  }
  plan.writer_epoch = epoch_;
  plan.class_number = number;
  return number;
}

/// The head of an object, after the definition of its class if the stream has none yet.
inline uint8_t* Writer::put_class(const Plan& plan, uint8_t* p) {
  uint32_t number = plan.class_number;
  if (plan.writer_epoch != epoch_) [[unlikely]] {
    close(p);
    number = class_number(plan);
    p = open();
  }
  if (h4_ && number < 16) {
    *p++ = static_cast<uint8_t>(0x60 + number);
    return p;
  }
  *p++ = h4_ ? 'O' : 'o';
  return put_int(p, static_cast<int32_t>(number));
}

uint8_t* Writer::put_structure(const Plan& plan, const void* at, uint8_t* p) {
  if (plan.type->java_type.empty()) {
    fail_with(Error(Code::invalid_argument, "a described struct has no Java class; name it with d.java_type(...) in its describe"));
    return nullptr;
  }
  if (!enter()) return nullptr;
  ++next_number_;
  p = roomy(put_class(plan, p));
  const auto* object = static_cast<const char*>(at);
  const bool forward = options_.family == Family::sofa;
  const FieldPlan* const fields = plan.fields.data();
  const size_t n = plan.fields.size();
  for (size_t i = 0; i < n; ++i) {
    const FieldPlan& field = fields[forward ? i : n - 1 - i];
    p = put_field(field.op, field.plan, object + field.offset, p);
    if (p == nullptr) [[unlikely]] {
      return nullptr;
    }
  }
  leave();
  return p;
}

/// Java has one object for each constant, so the second use in a stream is a reference.
uint8_t* Writer::put_enumeration(const Plan& plan, const void* at, uint8_t* p) {
  const int64_t number = plan.type->get_number(at);
  const EnumInfo& info = *plan.type->enumeration;
  const auto guess = static_cast<size_t>(number);  // most enums count from 0
  const EnumInfo::Value* value = guess < info.values.size() && info.values[guess].number == number ? &info.values[guess] : info.by_number(number);
  if (value == nullptr) {
    fail_with(Error(Code::invalid_argument,
                    fmt::format("{} has no constant with the number {}; describe it or set a described one", plan.type->java_type, number)));
    return nullptr;
  }
  ConstantMark& mark = plan.constants[static_cast<size_t>(value - info.values.data())];
  if (mark.writer_epoch == epoch_ && mark.number < 0x100 && !h4_) [[likely]] {
    *p++ = 0x4a;
    *p++ = static_cast<uint8_t>(mark.number);
    return roomy(p);
  }
  close(p);
  const uint32_t known = written_.find_or_insert(value, &plan, next_number_);
  mark = {epoch_, known == AddressMap::kNone ? next_number_ : known};
  if (known != AddressMap::kNone) {
    put_reference(known);
    return open();
  }
  ++next_number_;
  return put_text(value->name, roomy(put_class(plan, open())));
}

uint8_t* Writer::put_list(const Plan& plan, const void* at, uint8_t* p) {
  if (!enter()) return nullptr;
  const ListOps& ops = *plan.type->list;
  const size_t n = ops.size(at);
  if (!plan.array_name.empty() || h4_) {
    p = through_buffer(p, [&] { return begin_list(plan.array_name, n), true; });
  } else {
    ++next_number_;
    *p++ = 'V';
    *p++ = n < 256 ? 'n' : 'l';
    if (n < 256) {
      *p++ = static_cast<uint8_t>(n);
    } else {
      store_be(p, static_cast<uint32_t>(n));
      p += 4;
    }
    p = roomy(p);
  }
  const bool boxed = !ops.java_array && is_small(plan.item->op);
  const size_t size = plan.item->type->size;
  const auto* item = n == 0 ? nullptr : static_cast<const char*>(ops.at(at, 0));  // every list is a vector: its items stand in a row
  for (size_t i = 0; i < n; ++i, item += size) {
    p = boxed ? put_small_boxed(*plan.item, item, p) : put_item(*plan.item, item, p);
    if (p == nullptr) return nullptr;
  }
  leave();
  if (!plan.array_name.empty() || h4_) return through_buffer(p, [&] { return end_list(), true; });
  *p++ = 'z';
  return roomy(p);
}

uint8_t* Writer::put_map(const Plan& plan, const void* at, uint8_t* p) {
  if (!enter()) return nullptr;
  ++next_number_;
  *p++ = h4_ ? 'H' : 'M';
  struct Context {
    Writer& writer;
    const Plan &key, &item;
    uint8_t* p;
  } context{*this, *plan.key, *plan.item, roomy(p)};
  plan.type->map->for_each(at, &context, [](void* opaque, const void* key, const void* value) {
    auto& c = *static_cast<Context*>(opaque);
    c.p = c.writer.put_boxed(c.key, key, c.p);
    if (c.p != nullptr) c.p = c.writer.put_boxed(c.item, value, c.p);
    return c.p != nullptr;
  });
  if (context.p == nullptr) return nullptr;
  p = context.p;
  *p++ = h4_ ? 'Z' : 'z';
  leave();
  return roomy(p);
}

bool Writer::write_special(const Plan& plan, const void* at) {
  if (!scratch_) scratch_ = std::make_unique<Arena>();
  return write_value(special_to_value(*plan.type, at, *scratch_, options_, empty_list_));
}

}  // namespace sofa::hessian
