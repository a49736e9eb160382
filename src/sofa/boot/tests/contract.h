#pragma once
// Answers of the admin API held against the description that the console is made from (console/api/openapi.json): every required member is there,
// none that is not described, each of the described type.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/file.h"

namespace sofa::boot::testing {

class Contract {
 public:
  Contract() : document_(boost::json::parse(read_file("../../../../console/api/openapi.json", size_t{4} << 20).value_or("{}"))) {}

  /// What is wrong with an answer to a GET or POST below a process ("services/{service}"); empty: nothing.
  std::vector<std::string> faults(std::string_view method, std::string_view route, std::string_view answer) {
    faults_.clear();
    const auto pointer =
        fmt::format("/paths/~1v1~1processes~1{{id}}~1v1~1{}/{}/responses/200/content/application~1json/schema", escaped(route), method);
    boost::system::error_code error;
    const auto* schema = document_.find_pointer(pointer, error);
    if (schema == nullptr) return {fmt::format("the contract has no {} {}", method, route)};
    const auto value = boost::json::parse(answer, error);
    if (error) return {fmt::format("no JSON: {}", answer)};
    check(value, schema->as_object(), "answer");
    return faults_;
  }

 private:
  static std::string escaped(std::string_view route) {
    std::string text;
    for (const char c : route) c == '/' ? text += "~1" : text += c;
    return text;
  }

  void check(const boost::json::value& value, const boost::json::object& schema, const std::string& at) {
    if (const auto* ref = schema.if_contains("$ref")) {
      return check(value, document_.at_pointer(std::string(ref->as_string()).substr(1)).as_object(), at);
    }
    const auto* type = schema.if_contains("type");
    if (type != nullptr && !is_a(value, type->as_string())) return fault(at, fmt::format("is no {}", std::string_view(type->as_string())));
    if (const auto* all = schema.if_contains("enum")) {
      if (std::ranges::find(all->as_array(), value) == all->as_array().end()) fault(at, "is none of the enum");
    }
    if (value.is_array() && schema.contains("items")) {
      for (const auto& one : value.as_array()) check(one, schema.at("items").as_object(), at + "[]");
    }
    if (value.is_object()) check_members(value.as_object(), schema, at);
  }

  void check_members(const boost::json::object& value, const boost::json::object& schema, const std::string& at) {
    if (const auto* required = schema.if_contains("required")) {
      for (const auto& name : required->as_array()) {
        if (!value.contains(name.as_string())) fault(at, fmt::format("lacks {}", std::string_view(name.as_string())));
      }
    }
    const auto* properties = schema.if_contains("properties");
    const auto* others = schema.if_contains("additionalProperties");
    for (const auto& [name, one] : value) {
      const auto* described = properties == nullptr ? nullptr : properties->as_object().if_contains(name);
      if (described != nullptr) {
        check(one, described->as_object(), fmt::format("{}.{}", at, std::string_view(name)));
      } else if (others != nullptr && others->is_object()) {
        check(one, others->as_object(), fmt::format("{}.*", at));
      } else if (properties != nullptr) {
        fault(at, fmt::format("has {}, which is not described", std::string_view(name)));
      }
    }
  }

  static bool is_a(const boost::json::value& value, std::string_view type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    return type == "number" && value.is_number();
  }
  void fault(const std::string& at, std::string_view what) { faults_.push_back(fmt::format("{} {}", at, what)); }

  const boost::json::value document_;
  std::vector<std::string> faults_;
};

}  // namespace sofa::boot::testing
