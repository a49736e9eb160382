#pragma once
// The arguments of a call as people write them: JSON by position or by name, or a query (docs/protocols/http.md, section 3). Pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/rpc/detail/service_table.h"

namespace sofa::rpc::detail {

class WrittenArguments {
 public:
  /// A JSON array of arguments, a JSON object with their names, or the one argument itself; nothing for none. `text` outlives it.
  static Result<WrittenArguments> of_json(std::string_view text);
  /// "name=bob&times=2": by name when the method knows all of the names, else by position.
  static Result<WrittenArguments> of_query(std::string_view query);

  /// The overload that takes them; `overloads` are not empty. Errors: invalid_argument, with what the overloads take.
  Result<const MethodEntry*> choose(std::span<const MethodEntry* const> overloads) const;
  /// Reads them into default-made objects. Errors: invalid_argument with the argument, what it takes and what was found.
  Result<void> read(const MethodBase& method, void* const* into) const;

 private:
  enum class Form : uint8_t { one, list, object, query };
  struct Part {
    std::string name;  // of an object's member, or in a query
    std::string text;  // JSON, or the text of a query
  };
  /// The part of each argument of the method; null for one that may be absent and is.
  Result<std::vector<const Part*>> assign(const MethodBase& method) const;
  Result<std::vector<const Part*>> by_position(const MethodBase& method) const;
  Result<std::vector<const Part*>> by_name(const MethodBase& method) const;
  bool is_named_by(const MethodBase& method) const;
  bool stands_alone(const MethodBase& method) const;

  Form form_ = Form::one;
  Part whole_;
  std::vector<Part> parts_;
};

}  // namespace sofa::rpc::detail
