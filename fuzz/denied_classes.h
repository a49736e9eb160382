#pragma once
// Targets that read Java values refuse the classes of one package: what comes out of a reader holds none of them, at any depth.

#include <unordered_set>
#include <vector>

#include "must.h"
#include "sofa/rpc/detail/shape.h"
#include "sofa/wire/hessian/dialect.h"
#include "sofa/wire/hessian/java_exception.h"
#include "sofa/wire/hessian/value.h"

namespace fuzz {

inline constexpr std::string_view kDeniedPackage = "com.evil.";

/// Looks at each node of the graphs that it is given once; cycles are legal.
class DeniedClasses {
 public:
  static sofa::hessian::ClassFilter filter() {
    sofa::hessian::ClassFilter classes;
    classes.deny(std::string(kDeniedPackage));
    return classes;
  }

  void must_be_absent(const sofa::hessian::Value& root) {
    visit(root);
    while (!left_.empty()) {
      const sofa::hessian::Value value = left_.back();
      left_.pop_back();
      look_into(value);
    }
  }

  /// With its causes and those that it suppressed.
  void must_be_absent(const sofa::hessian::JavaException& exception) {
    must_be_admitted(exception.class_name);
    for (const auto& [name, value] : exception.fields()) must_be_absent(value);
    if (exception.cause != nullptr) must_be_absent(*exception.cause);
    for (const auto& suppressed : exception.suppressed) must_be_absent(suppressed);
  }

  /// An argument or a result; those of described types hold no foreign class.
  void must_be_absent(const sofa::rpc::detail::ValueShape& shape, const void* value) {
    using Dynamic = sofa::Graph<sofa::hessian::Value>;
    if (shape.type != &sofa::type_of<Dynamic>()) return;
    if (const auto& graph = *static_cast<const Dynamic*>(value); graph.get() != nullptr) must_be_absent(*graph);
  }

 private:
  /// Written beside ClassFilter::admits and not with it, so that a filter that admits too much is found.
  static void must_be_admitted(std::string_view class_name) {
    class_name.remove_prefix(std::min(class_name.find_first_not_of('['), class_name.size()));
    must(!class_name.starts_with(kDeniedPackage));
  }

  void visit(const sofa::hessian::Value& value) {
    if (value.node() != nullptr && seen_.insert(value.node()).second) left_.push_back(value);
  }

  void look_into(const sofa::hessian::Value& value) {
    if (const auto* list = value.list()) {
      must_be_admitted(list->type);
      for (const auto& item : list->items) visit(item);
    } else if (const auto* map = value.map()) {
      must_be_admitted(map->type);
      for (const auto& [key, item] : map->entries) visit(key), visit(item);
    } else if (const auto* object = value.object()) {
      must_be_admitted(object->class_name());
      for (const auto& field : object->values()) visit(field);
    }
  }

  std::unordered_set<const void*> seen_;
  std::vector<sofa::hessian::Value> left_;
};

}  // namespace fuzz
