// Any bytes as one of Triple's wrapper messages: a request finds its method and gives its arguments, an answer its value or its exception. Each step
// ends in a value or in a sentence, and what was read lies inside the message.
#include "denied_classes.h"
#include "sofa/rpc/detail/service_table.h"
#include "sofa/rpc/detail/triple_call.h"

namespace {

using namespace sofa;
using namespace sofa::rpc;
using namespace sofa::rpc::detail;
using fuzz::must;
using fuzz::must_lie_inside;
using fuzz::must_say_why;

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
    must(table.add("sofa.interop.InteropService:1.0", make_service(), "sofa.interop.InteropService").has_value());
    for (size_t i = 0; i < table.entries().size(); ++i) route.add(i, *table.entries()[i]);
  }
  ServiceTable table;
  TripleRoute route;
  hessian::ClassFilter classes = fuzz::DeniedClasses::filter();
};

void read_request(const World& world, ByteSpan message) {
  const auto request = read_triple_request(message);
  if (!request) return;
  for (const ByteSpan argument : request->arguments) must_lie_inside(as_text(argument), as_text(message));
  for (const std::string_view type : request->types) must_lie_inside(type, as_text(message));
  const auto found = world.route.find_method("sofa.interop.InteropService:1.0", *request);
  if (!found) return;
  const MethodShape& shape = world.table.entries()[*found]->method->shape();
  if (shape.arguments.size() != request->arguments.size()) return;  // answered by the call (TripleCall::read)
  Values values(shape);
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    void* const into = values.arguments()[i];
    const auto read = read_triple_value(request->serializer, request->arguments[i], shape.arguments[i], into, "argument", &world.classes);
    must_say_why(read);
    if (read) fuzz::DeniedClasses().must_be_absent(shape.arguments[i], into);
  }
}

void read_response(const World& world, ByteSpan message) {
  const auto response = read_triple_response(message);
  if (!response) return;
  must_lie_inside(as_text(response->data), as_text(message));
  User user;
  must_say_why(read_triple_value(response->serializer, response->data, value_shape<User>(), &user, "result", &world.classes));
  const auto thrown = read_triple_exception(*response, &world.classes);
  must(!thrown);  // it is an Error either way
  if (const auto* exception = thrown.error().detail<JavaException>()) fuzz::DeniedClasses().must_be_absent(*exception);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World world;
  read_request(world, ByteSpan(data, size));
  read_response(world, ByteSpan(data, size));
  return 0;
}
