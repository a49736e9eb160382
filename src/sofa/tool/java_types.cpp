#include "sofa/tool/java_types.h"

#include <algorithm>
#include <map>

#include "sofa/base/json.h"
#include "sofa/wire/hessian/java_types.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::tool {

namespace {

std::span<const Type* const> value_types() {
  namespace h = hessian;
  static const Type* const types[] = {
      &type_of<h::Timestamp>(), &type_of<h::BigDecimal>(), &type_of<h::BigInteger>(),     &type_of<h::Uuid>(),          &type_of<h::Locale>(),
      &type_of<h::LocalDate>(), &type_of<h::LocalTime>(),  &type_of<h::LocalDateTime>(),  &type_of<h::Instant>(),       &type_of<h::Duration>(),
      &type_of<h::Period>(),    &type_of<h::Year>(),       &type_of<h::YearMonth>(),      &type_of<h::MonthDay>(),      &type_of<h::ZoneOffset>(),
      &type_of<h::ZoneId>(),    &type_of<h::OffsetTime>(), &type_of<h::OffsetDateTime>(), &type_of<h::ZonedDateTime>(),
  };
  return types;
}

/// An object of a described type, whatever it is.
class Holder {
 public:
  explicit Holder(const Type& type) : type_(type), at_(arena_->make(type)) {}
  void* get() const { return at_; }
  Result<void> write(Buffer& out, const JavaFlavour& flavour) const {
    return hessian::Writer(out, {.dialect = flavour.dialect, .family = flavour.family}).write(type_, at_);
  }
  Result<void> read(ByteSpan bytes, const JavaFlavour& flavour) {
    return hessian::Reader(bytes, {.dialect = flavour.dialect, .arena = arena_}).read(type_, at_);
  }

 private:
  const std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  const Type& type_;
  void* const at_;
};

Result<hessian::Value> as_value(const Holder& holder, const JavaFlavour& flavour, Arena& arena) {
  Buffer bytes;
  if (auto written = holder.write(bytes, flavour); !written) return forward_error(written);
  return hessian::Reader(bytes.span(), {.dialect = flavour.dialect, .arena = arena.shared_from_this()}).read_value();
}

/// By the class that stands on the wire.
const std::map<std::string, const Type*, std::less<>>& types_on_the_wire(const JavaFlavour& flavour) {
  const auto make = [](const JavaFlavour& of) {
    std::map<std::string, const Type*, std::less<>> types;
    for (const Type* type : value_types()) {
      auto arena = std::make_shared<Arena>();
      const auto value = as_value(Holder(*type), of, *arena);
      if (value && value->object() != nullptr) types.emplace(value->object()->class_name(), type);
    }
    return types;
  };
  static const auto sofa = make({hessian::Dialect::h3, hessian::Family::sofa});
  static const auto dubbo = make({hessian::Dialect::h4, hessian::Family::dubbo});
  return flavour.family == hessian::Family::sofa ? sofa : dubbo;
}

}  // namespace

const Type* java_value_type(std::string_view java_name) {
  const auto types = value_types();
  const auto found = std::ranges::find(types, java_name, &Type::java_type);
  return found == types.end() ? nullptr : *found;
}

Result<hessian::Value> read_java_value(const Type& type, std::string_view json, const JavaFlavour& flavour, Arena& arena) {
  const Holder holder(type);
  if (auto read = from_json(json, type, holder.get(), {.source = "value"}); !read) return forward_error(read);
  return as_value(holder, flavour, arena);
}

std::optional<JavaValueJson> java_value_json(const hessian::Object& object, const JavaFlavour& flavour) {
  const auto& types = types_on_the_wire(flavour);
  const auto found = types.find(object.class_name());
  if (found == types.end()) return std::nullopt;
  Buffer bytes;
  hessian::Writer writer(bytes, {.dialect = flavour.dialect, .family = flavour.family});
  if (!writer.write(hessian::Value(const_cast<hessian::Object*>(&object)))) return std::nullopt;
  Holder holder(*found->second);
  if (!holder.read(bytes.span(), flavour)) return std::nullopt;
  auto json = sofa::to_json(*found->second, holder.get());
  if (!json) return std::nullopt;
  return JavaValueJson{found->second->java_type, std::move(*json)};
}

std::string iso_date(int64_t milliseconds) {
  constexpr int64_t kDay = 86'400'000;
  const int64_t days = milliseconds / kDay - (milliseconds % kDay < 0 ? 1 : 0);
  const auto rest = static_cast<int32_t>(milliseconds - days * kDay);
  const auto date = hessian::LocalDate{}.plus_days(days);
  const hessian::LocalTime time{rest / 3'600'000, rest / 60'000 % 60, rest / 1000 % 60, rest % 1000 * 1'000'000};
  return date ? fmt::format("{}T{}Z", date->to_string(), time.to_string()) : std::to_string(milliseconds);
}

}  // namespace sofa::tool
