#include "services.h"

namespace interop {

namespace {

std::string number_or_null(auto number) { return number ? fmt::format("{}", *number) : "null"; }

void scalars(ExtraService& service) {
  service.negate = [](bool b) { return !b; };
  service.half_float = [](float f) { return f / 2.0; };
  service.next_byte = [](int8_t b) { return b + 1; };
  service.next_short = [](int16_t s) { return s + 1; };
  service.char_name = [](std::string c) { return "char " + c; };
  service.boxed_boolean = [](std::optional<bool> v) { return v; };
  service.boxed_integer = [](std::optional<int32_t> v) { return v; };
  service.boxed_long = [](std::optional<int64_t> v) { return v; };
  service.boxed_double = [](std::optional<double> v) { return v; };
  service.boxed_names = [](std::optional<int8_t> b, std::optional<int16_t> s, std::optional<float> f, Text c) {
    return fmt::format("{} {} {} {}", number_or_null(b), number_or_null(s), number_or_null(f), c.value_or("null"));
  };
}

void containers(ExtraService& service) {
  const auto same = [](auto v) { return v; };
  service.booleans = same;
  service.shorts = same;
  service.ints = same;
  service.longs = same;
  service.floats = same;
  service.doubles = same;
  service.chars = same;
  service.integers = same;
  service.levels = same;
  service.users = same;
  service.grid = same;
  service.objects = same;
  service.list = same;
  service.byte_list = same;
  service.array_list = same;
  service.set = same;
  service.hash_map = same;
  service.users_by_team = same;
  service.by_level = same;
  service.by_number = same;
  service.set_size = [](std::vector<Text> v) { return static_cast<int32_t>(v.size()); };
  service.collection_size = [](std::vector<Text> v) { return static_cast<int32_t>(v.size()); };
}

void classes(ExtraService& service) {
  const auto same = [](auto v) { return v; };
  service.date = same;
  service.decimal = same;
  service.big_integer = same;
  service.uuid = same;
  service.local_date = same;
  service.local_time = same;
  service.instant = same;
  service.inner = same;
  service.poly = same;
  service.next_color = [](Color c) { return c == Color::red ? Color::green : Color::red; };
}

void calls(ExtraService& service) {
  service.which_int = [](int32_t) { return "int"; };
  service.which_long = [](int64_t) { return "long"; };
  service.which_integer = [](std::optional<int32_t>) { return "Integer"; };
  service.which_string = [](Text) { return "String"; };
  service.which_object = [](Graph<Value>) { return "Object"; };
  service.which_ints = [](Array<int32_t>) { return "int[]"; };
  service.which_list = [](std::vector<Text>) { return "List"; };
  service.which_strings = [](Array<Text>) { return "String[]"; };
  service.eight = [](int32_t a, int64_t b, double c, bool d, Text e, Level f, std::vector<std::string> g, Bytes h) {
    constexpr std::string_view kLevels[] = {"BRONZE", "SILVER", "GOLD"};
    return fmt::format("{} {} {} {} {} {} [{}] {}", a, b, c, d, e.value_or("null"), kLevels[static_cast<int>(f)], fmt::join(g, ", "), h.size());
  };
  service.fail_with = [](std::string class_name) -> Result<void> {
    if (class_name != kOverdrawn) return rpc::fail_java(class_name, "boom {}", class_name);
    rpc::JavaException overdrawn(class_name, "boom " + class_name);
    overdrawn.set("account",
                  Value(hessian::make_object(overdrawn.arena(), "sofa.interop.OverdrawnException$Account", {{"cents", Value(int64_t{-250})}})));
    return rpc::fail_java(std::move(overdrawn));
  };
  service.caller = [](rpc::Context& context) { return context.peer().to_string(); };
}

}  // namespace

std::shared_ptr<ExtraService> make_extra_service() {
  auto service = std::make_shared<ExtraService>();
  scalars(*service);
  containers(*service);
  classes(*service);
  calls(*service);
  return service;
}

}  // namespace interop
