#include <cstdio>

#include "sofa/base/base64.h"
#include "sofa/base/json_object.h"
#include "sofa/base/text_to_json.h"
#include "sofa/http/query.h"
#include "sofa/rest/api.h"
#include "sofa/rest/multipart.h"

namespace sofa::rest {

namespace {

[[noreturn]] void bad_route(const Route& route, std::string_view why) {
  fmt::print(stderr, "the route {} {} cannot be added: {}\n", route.method(), route.pattern(), why);
  std::abort();
}

bool is_in_pattern(std::string_view pattern, std::string_view name) {
  return pattern.find(fmt::format("{{{}}}", name)) != std::string_view::npos ||
         pattern.find(fmt::format("{{{}...}}", name)) != std::string_view::npos;
}

/// Whether the field is a list of values, each of which may stand for itself.
const Type* list_element(const Type& type) { return type.kind == Kind::list && !type.is_byte_list() ? &type.list->element() : nullptr; }

Result<void> add_query(const std::vector<Parameter>& parameters, std::string_view query, JsonObject& to) {
  auto texts = http::parse_query(query);
  if (!texts) return forward_error(texts);
  for (const auto& [name, text] : *texts) {
    const bool known = std::ranges::any_of(parameters, [&](const Parameter& p) { return p.place == Place::query && p.name == name; });
    if (!known) return fail(Code::invalid_argument, "the query has a parameter '{}', which this route does not take", name);
  }
  for (const Parameter& parameter : parameters) {
    if (parameter.place != Place::query) continue;
    std::vector<std::string> values;
    const Type* const element = list_element(parameter.field->type());
    for (const auto& [name, text] : *texts) {
      if (name == parameter.name) values.push_back(text_to_json(text, element != nullptr ? *element : parameter.field->type()));
    }
    if (values.empty()) continue;
    if (element == nullptr && values.size() > 1) {
      return fail(Code::invalid_argument, "the query has '{}' {} times; it takes one", parameter.name, values.size());
    }
    to.add(parameter.field->name, element != nullptr ? fmt::format("[{}]", fmt::join(values, ",")) : values.front());
  }
  return {};
}

void add_path_and_headers(const std::vector<Parameter>& parameters, http::Exchange& exchange, JsonObject& to) {
  for (const Parameter& parameter : parameters) {
    if (parameter.place == Place::path) {
      to.add(parameter.field->name, text_to_json(exchange.context().parameters.get(parameter.name), parameter.field->type()));
    } else if (parameter.place == Place::header) {
      const auto value = exchange.request().headers.get(parameter.name);
      if (value) to.add(parameter.field->name, text_to_json(*value, parameter.field->type()));
    }
  }
}

std::string as_json(const Part& part, const Type& type) {
  if (!part.file_name) return text_to_json(part.content, type);
  return fmt::format(R"({{"name":{},"type":{},"content":"{}"}})", json_quoted(*part.file_name), json_quoted(part.type),
                     to_base64(as_bytes(part.content)));
}

/// The parts of a form as fields of the body; of a list each part is one element.
Result<void> add_form(const std::vector<Parameter>& parameters, std::string_view body, std::string_view boundary, JsonObject& to) {
  auto parts = parse_multipart(body, boundary);
  if (!parts) return forward_error(parts);
  std::map<std::string_view, std::vector<std::string>> values;
  for (const Part& part : *parts) {
    const auto at = std::ranges::find_if(parameters, [&](const Parameter& p) { return p.place == Place::body && p.name == part.name; });
    if (at == parameters.end()) return fail(Code::invalid_argument, "the form has a part '{}', which this route does not take", part.name);
    const Type* const element = list_element(at->field->type());
    auto& own = values[at->field->name];
    if (element == nullptr && !own.empty()) return fail(Code::invalid_argument, "the form has '{}' more than once; it takes one", part.name);
    own.push_back(as_json(part, element != nullptr ? *element : at->field->type()));
  }
  for (const Parameter& parameter : parameters) {
    const auto at = values.find(parameter.field->name);
    if (at == values.end()) continue;
    const bool is_list = list_element(parameter.field->type()) != nullptr;
    to.add(parameter.field->name, is_list ? fmt::format("[{}]", fmt::join(at->second, ",")) : at->second.front());
  }
  return {};
}

/// The body says that it is JSON, or says nothing; one of a page says it, as pages send what has no type without asking.
Result<void> check_type(const http::Headers& headers) {
  if (headers.contains("origin") && !headers.contains("content-type")) {
    return fail(Code::invalid_argument,
                "the body of a page's request has no content type; this route takes application/json and multipart/form-data");
  }
  const std::string_view type = headers.get_or("content-type", "application/json");
  const std::string_view essence = type.substr(0, type.find(';'));
  if (essence == "application/json" || essence.ends_with("+json")) return {};
  return fail(Code::invalid_argument, "the body is '{}'; this route takes application/json and multipart/form-data", type);
}

}  // namespace

Route::Route(std::string_view method, std::string_view pattern, const Type& request, const Type* response, bool events)
    : method_(method),
      pattern_(pattern),
      request_(request),
      response_(events ? nullptr : response),
      events_(events),
      status_(response_ != nullptr || events ? 200 : 204) {
  if (request.kind != Kind::structure) bad_route(*this, "its handler takes no described struct");
  const bool in_query = method == "GET" || method == "DELETE" || method == "HEAD";
  for (const Field& field : request.structure->fields) {
    const Place place = is_in_pattern(pattern, field.name) ? Place::path : in_query ? Place::query : Place::body;
    parameters_.push_back({.field = &field, .place = place, .name = std::string(field.name)});
  }
}

Route& Route::place(std::string_view field, Place place, std::string_view name) {
  const auto at = std::ranges::find(parameters_, field, [](const Parameter& p) { return p.field->name; });
  if (at == parameters_.end()) bad_route(*this, fmt::format("its struct has no field '{}'", field));
  at->place = place;
  at->name = name;
  return *this;
}

Route& Route::plain_text() {
  if (response_ == nullptr || response_->kind != Kind::string) bad_route(*this, "only a text is answered as plain text");
  return plain_text_ = true, *this;
}

bool Route::has_body() const {
  return std::ranges::any_of(parameters_, [](const Parameter& p) { return p.place == Place::body; });
}

io::Task<Result<void>> Route::read(http::Exchange& exchange, http::Body& body, void* into, size_t max_body) const {
  Result<Bytes> whole = co_await body.read_all(max_body);
  if (!whole && whole.error().code() == Code::resource_exhausted) {
    co_return std::unexpected(std::move(whole.error()).with_detail(std::make_shared<HttpStatus>(413)));
  }
  const Bytes bytes = co_await io::or_return(std::move(whole));
  const http::Headers& headers = exchange.request().headers;
  std::string_view text = "{}";
  JsonObject members;
  if (const auto boundary = boundary_of(headers.get_or("content-type")); boundary && has_body()) {
    co_await io::or_return(add_form(parameters_, bytes.text(), *boundary, members));
  } else if (has_body()) {
    co_await io::or_return(check_type(headers));
    text = bytes.text();
  }
  add_path_and_headers(parameters_, exchange, members);
  co_await io::or_return(add_query(parameters_, exchange.request().query(), members));
  const auto arena = std::make_shared<Arena>();  // every Graph that is read keeps it
  const ReadOptions options{.source = "request", .ignore_unknown = lenient_, .null_is_default = lenient_};
  co_return from_json(members.behind(text), request_, into, options, arena.get());
}

Result<void> Route::answer(http::Exchange& exchange, const void* value, http::Headers fields) const {
  if (response_ == nullptr || value == nullptr) return exchange.send_response(status_, fields, true);
  if (plain_text_) {
    const auto& text = *static_cast<const std::string*>(value);
    return http::respond(exchange, status_, "text/plain; charset=utf-8", Bytes::copy_of(text), std::move(fields));
  }
  auto json = to_json(*response_, value);
  if (!json) return answer_error(exchange, json.error(), std::move(fields));
  return http::respond(exchange, status_, "application/json", Bytes::copy_of(*json), std::move(fields));
}

}  // namespace sofa::rest
