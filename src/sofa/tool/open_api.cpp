#include "sofa/tool/open_api.h"

#include <algorithm>
#include <cctype>

namespace sofa::tool {

namespace {

/// All but what RFC 3986, 2.3 calls unreserved is encoded.
std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const unsigned char c : text) {
    const bool plain = std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~';
    encoded += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return encoded;
}

/// A value as a path, a query and a header have it: text stands as it is.
std::string plain_text(const TextNode& value) { return value.is_text() ? value.text : to_json_text(value); }

std::string text_at(const TextNode& map, std::string_view key) {
  const TextNode* found = tool::find(map, key);
  return found != nullptr && found->is_text() ? found->text : "";
}

bool is_true(const TextNode* node) { return node != nullptr && node->form == TextNode::Form::boolean && node->boolean; }

/// The last word of "#/components/schemas/com.acme.Order", or the type, of a schema.
std::string type_of_schema(const TextNode* schema) {
  if (schema == nullptr) return "";
  if (const TextNode* all = tool::find(*schema, "allOf"); all != nullptr && !all->items.empty()) return type_of_schema(&all->items.front());
  if (const std::string reference = text_at(*schema, "$ref"); !reference.empty()) return reference.substr(reference.rfind('/') + 1);
  const std::string type = text_at(*schema, "type");
  return type == "array" ? type_of_schema(tool::find(*schema, "items")) + "[]" : type;
}

/// The schema of the JSON of a request's body, or of an answer; null: there is none.
const TextNode* json_schema(const TextNode* holder) {
  for (const char* key : {"content", "application/json", "schema"}) holder = holder == nullptr ? nullptr : tool::find(*holder, key);
  return holder;
}

template <class F>
void each_entry(const TextNode* map, F&& visit) {
  if (map == nullptr || map->form != TextNode::Form::map) return;
  for (size_t i = 0; i + 1 < map->items.size(); i += 2) visit(map->items[i].text, map->items[i + 1]);
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void replace_in_path(std::string& path, const std::string& name, const std::string& value) {
  const std::string hole = fmt::format("{{{}}}", name);
  if (const size_t at = path.find(hole); at != std::string::npos) path.replace(at, hole.size(), percent_encoded(value));
}

void add_entry(TextNode& map, const std::string& name, const TextNode& value) {
  TextNode key;
  key.form = TextNode::Form::typed_text;
  key.text = name;
  map.items.push_back(std::move(key));
  map.items.push_back(value);
}

/// One item for each value of a list.
void add_to_query(std::string& query, const std::string& name, const TextNode& value) {
  if (value.form == TextNode::Form::list) {
    for (const TextNode& item : value.items) add_to_query(query, name, item);
    return;
  }
  query += fmt::format("{}{}={}", query.empty() ? '?' : '&', percent_encoded(name), percent_encoded(plain_text(value)));
}

}  // namespace

OpenApi::Operation OpenApi::read(const TextNode& operation) {
  Operation made;
  if (const TextNode* parameters = tool::find(operation, "parameters"); parameters != nullptr) {
    for (const TextNode& parameter : parameters->items) {
      made.parameters[text_at(parameter, "name")] = {.place = text_at(parameter, "in"),
                                                     .required = is_true(tool::find(parameter, "required")),
                                                     .type = type_of_schema(tool::find(parameter, "schema"))};
    }
  }
  const TextNode* body = tool::find(operation, "requestBody");
  made.has_body = body != nullptr;
  if (const TextNode* schema = json_schema(body); schema != nullptr) {
    each_entry(tool::find(*schema, "properties"), [&](const std::string& name, const TextNode&) { made.body.push_back(name); });
  }
  each_entry(tool::find(operation, "responses"), [&](const std::string& status, const TextNode& response) {
    if (status.starts_with('2')) made.answer = type_of_schema(json_schema(&response));
  });
  return made;
}

Result<OpenApi> OpenApi::parse(std::string_view json) {
  const auto tree = JsonTree::parse(json, "/openapi.json");
  if (!tree) return fail(Code::data_loss, "the server describes its routes in no JSON: {}", tree.error().to_string());
  OpenApi api;
  if (const TextNode* info = tool::find(tree->root, "info"); info != nullptr) api.title_ = text_at(*info, "title");
  const TextNode* paths = tool::find(tree->root, "paths");
  if (paths == nullptr) return fail(Code::data_loss, "the server's /openapi.json has no 'paths'");
  each_entry(paths, [&](const std::string& path, const TextNode& operations) {
    each_entry(&operations,
               [&](const std::string& verb, const TextNode& operation) { api.operations_[upper_case(verb) + " " + path] = read(operation); });
  });
  return api;
}

/// What is not described is made of the path alone.
Result<OpenApi::Operation> OpenApi::find(std::string_view verb, std::string_view path) const {
  if (const auto found = operations_.find(fmt::format("{} {}", verb, path)); found != operations_.end()) return found->second;
  Operation made{.has_body = verb != "GET" && verb != "HEAD" && verb != "DELETE"};
  for (size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    const size_t close = path.find('}', open);
    if (close == std::string_view::npos) return fail(Code::invalid_argument, "the path {} has a '{{' without its '}}'", path);
    made.parameters[std::string(path.substr(open + 1, close - open - 1))] = {.place = "path", .required = true, .type = {}};
  }
  if (operations_.empty() || made.parameters.empty()) return made;
  std::string known;
  for (const auto& [route, operation] : operations_) known += (known.empty() ? "" : ", ") + route;
  return fail(Code::invalid_argument, "the server has no route {} {}; it has {}", verb, path, known);
}

Result<RouteRequest> OpenApi::request(std::string_view verb, std::string_view path, std::string_view arguments) const {
  auto operation = find(verb, path);
  if (!operation) return forward_error(operation);
  auto given = JsonTree::parse(arguments.find_first_not_of(" \t\r\n") == std::string_view::npos ? "{}" : arguments, "arguments");
  if (!given) return forward_error(given);
  if (given->root.form != TextNode::Form::map) {
    return fail(Code::invalid_argument, R"(a route takes its arguments by name, as in '{{"id": 7}}', and these are {})", given->root.shown());
  }
  RouteRequest made{.target = std::string(path)};
  std::string query;
  TextNode body;
  body.form = TextNode::Form::map;
  const bool is_described = operations_.contains(fmt::format("{} {}", verb, path));
  std::optional<Error> wrong;
  each_entry(&given->root, [&](const std::string& name, const TextNode& value) {
    const auto parameter = operation->parameters.find(name);
    const std::string beside = operation->has_body ? "body" : "";
    const std::string& place = parameter != operation->parameters.end() ? parameter->second.place : beside;
    if (place == "path") return replace_in_path(made.target, name, plain_text(value));
    if (place == "header") return void(made.headers.emplace_back(name, plain_text(value)));
    if (place == "query" || (place.empty() && !is_described)) return add_to_query(query, name, value);
    if (place == "body") return add_entry(body, name, value);
    wrong = Error(Code::invalid_argument, fmt::format("{} {} takes no '{}'; 'sofa call TARGET' lists what it takes", verb, path, name));
  });
  if (wrong) return std::unexpected(std::move(*wrong));
  for (const auto& [name, parameter] : operation->parameters) {
    if (parameter.required && tool::find(given->root, name) == nullptr) {
      return fail(Code::invalid_argument, R"({} {} needs '{}' ({}): give it as in '{{"{}": ...}}')", verb, path, name, parameter.place, name);
    }
  }
  made.target += query;
  if (operation->has_body) made.body = to_json_text(body);
  return made;
}

std::vector<ServiceMethods> OpenApi::list() const {
  ServiceMethods routes{.service = title_, .methods = {}};
  for (const auto& [route, operation] : operations_) {
    std::string takes;
    for (const auto& [name, parameter] : operation.parameters) {
      takes += fmt::format("{}{}{}{}{}", takes.empty() ? "" : ", ", parameter.type, parameter.type.empty() ? "" : " ", name,
                           parameter.required ? "" : "?");
    }
    for (const std::string& name : operation.body) takes += (takes.empty() ? "" : ", ") + name;
    routes.methods.emplace_back(route, fmt::format(" ({}){}{}", takes, operation.answer.empty() ? "" : " returns ", operation.answer));
  }
  return operations_.empty() ? std::vector<ServiceMethods>() : std::vector{std::move(routes)};
}

}  // namespace sofa::tool
