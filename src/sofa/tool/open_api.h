#pragma once
// The REST routes of a server, as its OpenAPI describes them, and the request that a route makes of named arguments. Pure.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

struct RouteRequest {
  std::string target;  ///< path and query, percent-encoded
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};  ///< JSON; empty: none
};

class OpenApi {
 public:
  /// Knows no route.
  OpenApi() = default;
  /// What "/openapi.json" answers. Errors: data_loss with what cannot be read.
  static Result<OpenApi> parse(std::string_view json);

  /// `route` is "GET /orders/{id}" with the path as the description has it, `arguments` a JSON mapping or empty. Each argument goes where the
  /// description has its parameter, others into the body. What a path without description has in braces is taken from the arguments too; of the
  /// others GET, HEAD and DELETE make a query, and the rest a body. Errors: invalid_argument with the argument at fault, or with the routes that
  /// there are.
  Result<RouteRequest> request(std::string_view verb, std::string_view path, std::string_view arguments) const;
  /// One service with its routes as methods.
  std::vector<ServiceMethods> list() const;

 private:
  struct Parameter {
    std::string place;  // path, query, header
    bool required = false;
    std::string type;
  };
  struct Operation {
    std::map<std::string, Parameter> parameters{};
    std::vector<std::string> body{};  // names of its members
    bool has_body = false;
    std::string answer{};
  };
  static Operation read(const TextNode& operation);
  Result<Operation> find(std::string_view verb, std::string_view path) const;

  std::string title_;
  std::map<std::string, Operation> operations_;  // by "GET /orders/{id}"
};

}  // namespace sofa::tool
