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

}  // namespace

Result<void> Writer::write(const Type& type, const void* value) { return finish(write_planned(plan_of(type), value)); }

bool Writer::write_planned(const Plan& plan, const void* at) {
  switch (plan.op) {
    case Op::boolean: write_bool(as<bool>(at)); return true;
    case Op::int8: write_int(as<int8_t>(at)); return true;
    case Op::int16: write_int(as<int16_t>(at)); return true;
    case Op::int32: write_int(as<int32_t>(at)); return true;
    case Op::int64: write_long(as<int64_t>(at)); return true;
    case Op::uint8: write_int(static_cast<int8_t>(as<uint8_t>(at))); return true;
    case Op::uint16: write_int(static_cast<int16_t>(as<uint16_t>(at))); return true;
    case Op::uint32: write_int(static_cast<int32_t>(as<uint32_t>(at))); return true;
    case Op::uint64: write_long(static_cast<int64_t>(as<uint64_t>(at))); return true;
    case Op::float32: write_float(as<float>(at), false); return true;
    case Op::float64: write_double(as<double>(at)); return true;
    case Op::string: write_string(as<std::string>(at)); return true;
    case Op::bytes: write_bytes(as<Bytes>(at)); return true;
    case Op::byte_vector: write_byte_vector(plan, at); return true;
    case Op::timestamp: write_date(as<Timestamp>(at).milliseconds); return true;
    case Op::value: return write_value(as<Value>(at));
    case Op::enumeration: return write_enumeration(plan, at);
    case Op::structure: return write_structure(plan, at);
    case Op::list: return write_list(plan, at);
    case Op::map: return write_map(plan, at);
    case Op::special: return write_special(plan, at);
    default: return write_pointer(plan, at);
  }
}

/// A value where Java has an Object: a Byte, a Short or a Float is not a byte, a short or a float.
bool Writer::write_boxed(const Plan& plan, const void* at) {
  if (plan.op == Op::float32) {
    write_float(as<float>(at), true);
    return true;
  }
  if (boxes_small_numbers_) {
    if (plan.op == Op::int8) return write_handle("ByteHandle", as<int8_t>(at), nullptr), true;
    if (plan.op == Op::int16) return write_handle("ShortHandle", as<int16_t>(at), nullptr), true;
  }
  return write_planned(plan, at);
}

void Writer::write_handle(std::string_view short_name, int32_t integer, const double* real) {
  static constexpr std::string_view kField[] = {"_value"};
  static constexpr ObjectClass kHandles[] = {{"com.caucho.hessian.io.ByteHandle", kField},
                                             {"com.caucho.hessian.io.ShortHandle", kField},
                                             {"com.caucho.hessian.io.FloatHandle", kField}};
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

bool Writer::write_pointer(const Plan& plan, const void* at) {
  const void* target = plan.type->indirect->get(at);
  if (target == nullptr) {
    write_null();
    return true;
  }
  if (plan.op == Op::optional) return write_boxed(*plan.item, target);
  if (!enter()) return false;
  const bool again = shares(plan.op) && plan.item->has_identity && refer_again(target, plan.item);
  const bool written = again || write_planned(*plan.item, target);
  leave();
  return written;
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

bool Writer::write_structure(const Plan& plan, const void* at) {
  if (plan.type->java_type.empty()) {
    return fail_with(Error(Code::invalid_argument, "a described struct has no Java class; name it with d.java_type(...) in its describe"));
  }
  if (!enter()) return false;
  ++next_number_;
  put_object_head(class_number(plan));
  const auto* object = static_cast<const char*>(at);
  if (options_.family == Family::sofa) {
    for (const FieldPlan& field : plan.fields) {
      if (!write_planned(*field.plan, object + field.offset)) return false;
    }
  } else {
    for (size_t i = plan.fields.size(); i-- > 0;) {
      if (!write_planned(*plan.fields[i].plan, object + plan.fields[i].offset)) return false;
    }
  }
  leave();
  return true;
}

/// Java has one object for each constant, so the second use in a stream is a reference.
bool Writer::write_enumeration(const Plan& plan, const void* at) {
  const int64_t number = plan.type->get_number(at);
  const EnumInfo::Value* value = plan.type->enumeration->by_number(number);
  if (value == nullptr) {
    return fail_with(Error(Code::invalid_argument, fmt::format("{} has no constant with the number {}; describe it or set a described one",
                                                               plan.type->java_type, number)));
  }
  if (refer_again(value, &plan)) return true;
  ++next_number_;
  put_object_head(class_number(plan));
  write_string(value->name);
  return true;
}

bool Writer::write_list(const Plan& plan, const void* at) {
  if (!enter()) return false;
  const ListOps& ops = *plan.type->list;
  const size_t n = ops.size(at);
  begin_list(plan.array_name, n);
  const bool boxed = !ops.java_array && plan.item->op <= Op::float32;
  for (size_t i = 0; i < n; ++i) {
    const void* item = ops.at(at, i);
    if (!(boxed ? write_boxed(*plan.item, item) : write_planned(*plan.item, item))) return false;
  }
  end_list();
  leave();
  return true;
}

bool Writer::write_map(const Plan& plan, const void* at) {
  if (!enter()) return false;
  begin_map({});
  struct Context {
    Writer& writer;
    const Plan& plan;
    bool ok;
  } context{*this, plan, true};
  plan.type->map->for_each(at, &context, [](void* opaque, const void* key, const void* value) {
    auto& c = *static_cast<Context*>(opaque);
    c.ok = c.writer.write_boxed(*c.plan.key, key) && c.writer.write_boxed(*c.plan.item, value);
    return c.ok;
  });
  if (!context.ok) return false;
  end_map();
  leave();
  return true;
}

bool Writer::write_special(const Plan& plan, const void* at) {
  if (!scratch_) scratch_ = std::make_unique<Arena>();
  return write_value(special_to_value(*plan.type, at, *scratch_, options_, empty_list_));
}

}  // namespace sofa::hessian
