#pragma once
// One method for each kind of Java parameter that the contract's service does not have (java/src/sofa/interop/ExtraService.java).

#include <map>

#include "interop_api.h"

namespace interop {

using hessian::Value;

/// sofa.interop.ExtraService.Inner.Color; a nested class has a `$` in its name.
enum class Color { red, green };
inline void describe(sofa::EnumDescription<Color>& d) {
  d.java_type("sofa.interop.ExtraService$Inner$Color").value("RED", Color::red).value("GREEN", Color::green);
}

struct Inner {
  Text name;
  std::optional<Color> color;
  std::optional<float> ratio;
  std::string letter;  // a Java char is a text of one character
  int8_t small = 0;
  int16_t medium = 0;
  std::optional<Array<int64_t>> numbers;
  std::optional<std::vector<std::map<std::string, std::optional<int32_t>>>> counts;

  friend bool operator==(const Inner&, const Inner&) = default;
  static auto describe(sofa::Description<Inner>& d) {
    d.java_type("sofa.interop.ExtraService$Inner");
    d.field("name", &Inner::name);
    d.field("color", &Inner::color);
    d.field("ratio", &Inner::ratio);
    d.field("letter", &Inner::letter);
    d.field("small", &Inner::small);
    d.field("medium", &Inner::medium);
    d.field("numbers", &Inner::numbers);
    d.field("counts", &Inner::counts);
  }
};

/// An exception class that no C++ program describes, with a field of another such class.
inline constexpr std::string_view kOverdrawn = "sofa.interop.OverdrawnException";

struct ExtraService : rpc::Interface {
  using AnyValue = Graph<Value>;
  using UserArray = Graph<Array<Link<User>>>;
  using Teams = Graph<std::map<std::string, std::optional<std::vector<Link<User>>>>>;
  template <class T>
  using Maybe = std::optional<T>;

  static constexpr std::string_view kName = "sofa.interop.ExtraService";
  rpc::Method<bool(bool)> negate{this, "not"};
  rpc::Method<double(float)> half_float{this, "halfFloat"};
  rpc::Method<int32_t(int8_t)> next_byte{this, "nextByte"};
  rpc::Method<int32_t(int16_t)> next_short{this, "nextShort"};
  rpc::Method<std::string(std::string)> char_name{this, "charName", {.java_types = {"char"}}};
  rpc::Method<Maybe<bool>(Maybe<bool>)> boxed_boolean{this, "boxedBoolean"};
  rpc::Method<Maybe<int32_t>(Maybe<int32_t>)> boxed_integer{this, "boxedInteger"};
  rpc::Method<Maybe<int64_t>(Maybe<int64_t>)> boxed_long{this, "boxedLong"};
  rpc::Method<Maybe<double>(Maybe<double>)> boxed_double{this, "boxedDouble"};
  rpc::Method<std::string(Maybe<int8_t>, Maybe<int16_t>, Maybe<float>, Text)> boxed_names{
      this, "boxedNames", {.java_types = {"java.lang.Byte", "java.lang.Short", "java.lang.Float", "java.lang.Character"}}};
  rpc::Method<AnyValue(AnyValue)> booleans{this, "booleans", {.java_types = {"[Z"}}};  // no C++ type is a boolean[]
  rpc::Method<Maybe<Array<int16_t>>(Maybe<Array<int16_t>>)> shorts{this, "shorts"};
  rpc::Method<Maybe<Array<int32_t>>(Maybe<Array<int32_t>>)> ints{this, "ints"};
  rpc::Method<Maybe<Array<int64_t>>(Maybe<Array<int64_t>>)> longs{this, "longs"};
  rpc::Method<Maybe<Array<float>>(Maybe<Array<float>>)> floats{this, "floats"};
  rpc::Method<Maybe<Array<double>>(Maybe<Array<double>>)> doubles{this, "doubles"};
  rpc::Method<Text(Text)> chars{this, "chars", {.java_types = {"[C"}}};
  rpc::Method<Maybe<Array<Maybe<int32_t>>>(Maybe<Array<Maybe<int32_t>>>)> integers{this, "integers"};
  rpc::Method<Maybe<Array<Maybe<Level>>>(Maybe<Array<Maybe<Level>>>)> levels{this, "levels"};
  rpc::Method<UserArray(UserArray)> users{this, "users", {.java_types = {"[Lsofa.interop.User;"}}};
  rpc::Method<Array<Maybe<Array<int32_t>>>(Array<Maybe<Array<int32_t>>>)> grid{this, "grid"};
  rpc::Method<AnyValue(AnyValue)> objects{this, "objects", {.java_types = {"[Ljava.lang.Object;"}}};
  rpc::Method<Maybe<std::vector<Text>>(Maybe<std::vector<Text>>)> list{this, "list"};
  rpc::Method<std::vector<int8_t>(std::vector<int8_t>)> byte_list{this, "byteList"};
  rpc::Method<std::vector<Text>(std::vector<Text>)> array_list{this, "arrayList", {.java_types = {"java.util.ArrayList"}}};
  rpc::Method<int32_t(std::vector<Text>)> set_size{this, "setSize", {.java_types = {"java.util.Set"}}};
  rpc::Method<int32_t(std::vector<Text>)> collection_size{this, "collectionSize", {.java_types = {"java.util.Collection"}}};
  rpc::Method<AnyValue(AnyValue)> set{this, "set", {.java_types = {"java.util.Set"}}};
  rpc::Method<std::map<std::string, int32_t>(std::map<std::string, int32_t>)> hash_map{this, "hashMap", {.java_types = {"java.util.HashMap"}}};
  rpc::Method<Teams(Teams)> users_by_team{this, "usersByTeam"};
  rpc::Method<std::map<Level, int32_t>(std::map<Level, int32_t>)> by_level{this, "byLevel"};
  rpc::Method<std::map<int32_t, std::string>(std::map<int32_t, std::string>)> by_number{this, "byNumber"};
  rpc::Method<Maybe<hessian::Timestamp>(Maybe<hessian::Timestamp>)> date{this, "date"};
  rpc::Method<hessian::BigDecimal(hessian::BigDecimal)> decimal{this, "decimal"};
  rpc::Method<hessian::BigInteger(hessian::BigInteger)> big_integer{this, "bigInteger"};
  rpc::Method<hessian::Uuid(hessian::Uuid)> uuid{this, "uuid"};
  rpc::Method<hessian::LocalDate(hessian::LocalDate)> local_date{this, "localDate"};
  rpc::Method<hessian::LocalTime(hessian::LocalTime)> local_time{this, "localTime"};
  rpc::Method<hessian::Instant(hessian::Instant)> instant{this, "instant"};
  rpc::Method<Maybe<Inner>(Maybe<Inner>)> inner{this, "inner"};
  rpc::Method<Color(Color)> next_color{this, "nextColor"};
  rpc::Method<AnyValue(AnyValue)> poly{this, "poly", {.java_types = {"sofa.interop.User"}}};
  rpc::Method<std::string(int32_t)> which_int{this, "which"};
  rpc::Method<std::string(int64_t)> which_long{this, "which"};
  rpc::Method<std::string(Maybe<int32_t>)> which_integer{this, "which"};
  rpc::Method<std::string(Text)> which_string{this, "which"};
  rpc::Method<std::string(AnyValue)> which_object{this, "which", {.java_types = {"java.lang.Object"}}};
  rpc::Method<std::string(Array<int32_t>)> which_ints{this, "which"};
  rpc::Method<std::string(std::vector<Text>)> which_list{this, "which"};
  rpc::Method<std::string(Array<Text>)> which_strings{this, "which"};
  rpc::Method<std::string(int32_t, int64_t, double, bool, Text, Level, std::vector<std::string>, Bytes)> eight{this, "eight"};
  rpc::Method<void(std::string)> fail_with{this, "failWith"};
  rpc::Method<std::string()> caller{this, "caller"};
};

}  // namespace interop
