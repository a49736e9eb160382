// Any bytes as one of Triple's wrapper messages: a request finds its method and gives its arguments, an answer its value or its exception. Each step
// ends in a value or in a sentence, and what was read lies inside the message.
#include "sofa/rpc/detail/service_table.h"
#include "sofa/rpc/detail/triple_call.h"

namespace {

using namespace sofa;
using namespace sofa::rpc;
using namespace sofa::rpc::detail;

struct User {
  int64_t id = 0;
  std::string name;
  std::vector<std::string> tags;
  static auto describe(Description<User>& d) {
    d.java_type("sofa.interop.User");
    d.field("id", &User::id);
    d.field("name", &User::name);
    d.field("tags", &User::tags);
  }
};

/// Overloads of one name: they share a path.
struct Service : Interface {
  Method<std::string(std::string)> text{this, "call"};
  Method<std::string(std::string, int32_t)> text_and_number{this, "call"};
  Method<User(User)> user{this, "call"};
  Method<Graph<hessian::Value>(Graph<hessian::Value>)> value{this, "call"};
  Method<void()> nothing{this, "call"};
};

std::shared_ptr<Service> make_service() {
  auto service = std::make_shared<Service>();
  service->text = [](std::string s) { return s; };
  service->text_and_number = [](std::string s, int32_t) { return s; };
  service->user = [](User user) { return user; };
  service->value = [](Graph<hessian::Value> value) { return value; };
  service->nothing = [] {};
  return service;
}

struct World {
  World() {
    if (!table.add("sofa.interop.InteropService:1.0", make_service(), "sofa.interop.InteropService")) __builtin_trap();
    for (size_t i = 0; i < table.entries().size(); ++i) route.add(i, *table.entries()[i]);
    classes.deny("com.evil.");
  }
  ServiceTable table;
  TripleRoute route;
  hessian::ClassFilter classes;
};

void expect_sentence(const Result<void>& done) {
  if (!done && done.error().message().empty()) __builtin_trap();
}

void expect_inside(ByteSpan part, ByteSpan message) {
  if (!part.empty() && (part.data() < message.data() || part.data() + part.size() > message.data() + message.size())) __builtin_trap();
}

void read_request(const World& world, ByteSpan message) {
  const auto request = read_triple_request(message);
  if (!request) return;
  for (const ByteSpan argument : request->arguments) expect_inside(argument, message);
  for (const std::string_view type : request->types) expect_inside(as_bytes(type), message);
  const auto found = world.route.find_method("sofa.interop.InteropService:1.0", *request);
  if (!found) return;
  const MethodShape& shape = world.table.entries()[*found]->method->shape();
  if (shape.arguments.size() != request->arguments.size()) return;  // answered by the call (TripleCall::read)
  Values values(shape);
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    expect_sentence(
        read_triple_value(request->serializer, request->arguments[i], shape.arguments[i], values.arguments()[i], "argument", &world.classes));
  }
}

void read_response(const World& world, ByteSpan message) {
  const auto response = read_triple_response(message);
  if (!response) return;
  expect_inside(response->data, message);
  User user;
  expect_sentence(read_triple_value(response->serializer, response->data, value_shape<User>(), &user, "result", &world.classes));
  if (read_triple_exception(*response, &world.classes)) __builtin_trap();  // it is an Error either way
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World world;
  read_request(world, ByteSpan(data, size));
  read_response(world, ByteSpan(data, size));
  return 0;
}
