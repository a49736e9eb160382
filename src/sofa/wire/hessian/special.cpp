#include "sofa/wire/hessian/detail/special.h"

#include "sofa/wire/hessian/java_exception.h"
#include "sofa/wire/hessian/java_types.h"

namespace sofa::hessian::detail {

namespace {

constexpr std::string_view kUuidLongs[] = {"mostSigBits", "leastSigBits"};
constexpr std::string_view kUuidText[] = {"value"};
constexpr ObjectClass kUuidOfSofa{"java.util.UUID", kUuidLongs};
constexpr ObjectClass kUuidOfDubbo{"java.util.UUID", kUuidText};
constexpr std::string_view kSeconds[] = {"seconds"};
constexpr std::string_view kZoneId[] = {"zoneId"};
constexpr ObjectClass kOffsetOfSofa3{"com.caucho.hessian.io.java8.ZoneOffsetHandle", kSeconds};
constexpr ObjectClass kOffsetOfSofa4{"com.caucho.hessian.io.java8.ZoneIdHandle", kZoneId};
constexpr ObjectClass kOffsetOfDubbo{"com.alibaba.com.caucho.hessian.io.java8.ZoneOffsetHandle", kSeconds};

Value uuid_to_value(const Uuid& uuid, Arena& arena, const WriterOptions& options) {
  if (options.family == Family::dubbo) {
    Object* object = make_object(arena, kUuidOfDubbo);
    (*object)[0] = Value::text(arena, uuid.to_string());
    return object;
  }
  Object* object = make_object(arena, kUuidOfSofa);
  (*object)[0] = Value(static_cast<int64_t>(uuid.high));
  (*object)[1] = Value(static_cast<int64_t>(uuid.low));
  return object;
}

Result<void> uuid_from_value(const Value& value, Uuid& uuid) {
  const Value *high = value.find("mostSigBits"), *low = value.find("leastSigBits"), *text = value.find("value");
  if (high != nullptr && low != nullptr) {
    uuid = {static_cast<uint64_t>(high->integer()), static_cast<uint64_t>(low->integer())};
    return {};
  }
  if (text == nullptr && value.kind() != ValueKind::string) return fail(Code::invalid_argument, "expected a UUID, found {}", to_string(value.kind()));
  auto parsed = Uuid::parse(text != nullptr ? text->text() : value.text());
  if (!parsed) return forward_error(parsed);
  uuid = *parsed;
  return {};
}

Value offset_to_value(ZoneOffset offset, Arena& arena, const WriterOptions& options) {
  const bool as_zone = options.family == Family::sofa && options.dialect == Dialect::h4;
  Object* object = make_object(arena, as_zone ? kOffsetOfSofa4 : options.family == Family::dubbo ? kOffsetOfDubbo : kOffsetOfSofa3);
  (*object)[0] = as_zone ? Value::text(arena, offset.to_string()) : Value(offset.seconds);
  return object;
}

Result<void> offset_from_value(const Value& value, ZoneOffset& offset) {
  if (const Value* seconds = value.find("seconds")) {
    offset.seconds = static_cast<int32_t>(seconds->integer());
    return {};
  }
  const Value* zone = value.find("zoneId");
  if (zone == nullptr && value.kind() != ValueKind::string) {
    return fail(Code::invalid_argument, "expected a zone offset, found {}", to_string(value.kind()));
  }
  auto parsed = ZoneOffset::parse(zone != nullptr ? zone->text() : value.text());
  if (!parsed) return forward_error(parsed);
  offset = *parsed;
  return {};
}

}  // namespace

Value special_to_value(const Type& type, const void* at, Arena& arena, const WriterOptions& options, List*& empty_list) {
  if (&type == &type_of<Uuid>()) return uuid_to_value(*static_cast<const Uuid*>(at), arena, options);
  if (&type == &type_of<ZoneOffset>()) return offset_to_value(*static_cast<const ZoneOffset*>(at), arena, options);
  if (&type == &type_of<JavaException>()) return ExceptionCodec::to_value(*static_cast<const JavaException*>(at), arena, options, empty_list);
  return {};
}

Result<void> special_from_value(const Type& type, void* into, const Value& value, const std::shared_ptr<Arena>& owner) {
  if (value.is_null()) return {};
  if (&type == &type_of<Uuid>()) return uuid_from_value(value, *static_cast<Uuid*>(into));
  if (&type == &type_of<ZoneOffset>()) return offset_from_value(value, *static_cast<ZoneOffset*>(into));
  if (&type == &type_of<JavaException>()) {
    auto exception = ExceptionCodec::from_value(value, owner);
    if (!exception) return forward_error(exception);
    *static_cast<JavaException*>(into) = std::move(*exception);
    return {};
  }
  return fail(Code::unimplemented, "no Hessian form is known for {}", type.java_type);
}

}  // namespace sofa::hessian::detail
