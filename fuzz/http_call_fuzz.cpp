// Any bytes as a call of SOFARPC over HTTP: the first line is the target, the rest the body, read as each serialization. Each step ends in values or
// in a sentence.
#include "rpc_service.h"
#include "sofa/rpc/detail/http_call.h"
#include "sofa/rpc/detail/json_codec.h"

namespace {

using namespace sofa;
using namespace sofa::rpc::detail;
using fuzz::must_say_why;

struct World {
  World() { fuzz::must(table.add("sofa.interop.InteropService:1.0", fuzz::make_service()).has_value()); }
  ServiceTable table;
};

void read_written(const std::vector<const MethodEntry*>& overloads, const Result<WrittenArguments>& arguments) {
  if (!arguments) return must_say_why(arguments);
  const auto entry = arguments->choose(overloads);
  if (!entry) return must_say_why(entry);
  Values values((*entry)->method->shape());
  must_say_why(arguments->read(*(*entry)->method, values.arguments()));
}

void read_hessian(const ServiceTable& table, const HttpTarget& target, ByteSpan body) {
  RequestHead head;
  if (const auto read = head.read(body); !read) return must_say_why(read);
  const MethodEntry* const entry = table.find(target.service, target.method, head.signatures());
  if (entry == nullptr) return;
  Values values(entry->method->shape());
  must_say_why(read_arguments(body, head.arguments_at(), entry->method->shape(), values.arguments(), target.method, nullptr));
}

void read_json(const ServiceTable& table, const HttpTarget& target, std::string_view body) {
  const MethodEntry* const entry = table.find_for_json(target.service, target.method, body);
  if (entry == nullptr) return;
  Values values(entry->method->shape());
  must_say_why(read_json_arguments(body, entry->method->shape(), values.arguments()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World world;
  const std::string_view input = as_text(ByteSpan(data, size));
  http::RequestHead head;
  head.target = input.substr(0, input.find('\n'));
  const std::string_view body = input.substr(std::min(input.size(), head.target.size() + 1));
  const auto target = http_target(head.path());
  if (!target) return 0;
  const auto overloads = world.table.overloads(target->service, target->method);
  if (overloads.empty()) return 0;
  read_written(overloads, WrittenArguments::of_query(head.query()));
  read_written(overloads, WrittenArguments::of_json(body));
  read_json(world.table, *target, body);
  read_hessian(world.table, *target, as_bytes(body));
  return 0;
}
