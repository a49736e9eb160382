// Any bytes as a request to a server: the handler of its class, its header map, the head of its content, the service table, its arguments. Each step
// ends in a value or in a sentence, and the quick reading of a head says what the general reader says.
#include "denied_classes.h"
#include "rpc_service.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/request_route.h"
#include "sofa/transport/handler.h"
#include "sofa/wire/bolt/frame_parser.h"

namespace {

using namespace sofa;
using namespace sofa::rpc;
using fuzz::make_service;
using fuzz::must;

struct NoHandler final : transport::Handler {
  void handle(transport::IncomingRequest&, transport::Responder&) override {}
};

/// What a server has when it listens.
struct World {
  World() {
    must(table.add("sofa.interop.InteropService:1.0", make_service()).has_value());
    must(table.add("sofa.interop.InteropService:1.0:blue", make_service()).has_value());
    must(handlers.add(std::string(rpc::detail::kRequestClass), handler).has_value());
    classes.always(std::string(rpc::detail::kRequestClass));
  }
  rpc::detail::ServiceTable table;
  NoHandler handler;
  transport::Handlers handlers;
  hessian::ClassFilter classes = fuzz::DeniedClasses::filter();
};

std::string_view text_of(const hessian::Value* value) { return value == nullptr || value->is_null() ? std::string_view() : value->text(); }

/// The quick reading is taken only for what the general reader reads in the same way.
void check_head(ByteSpan content) {
  rpc::detail::RequestHead head;
  if (!head.read(content) || head.arguments_at().offset == 0) return;
  hessian::Reader reader(content);
  const auto general = reader.read_value();
  must(general && general->object() != nullptr && reader.offset() == head.arguments_at().offset);
  const hessian::Object& request = *general->object();
  must(text_of(request.find("methodName")) == head.method());
  must(text_of(request.find("targetServiceUniqueName")) == head.service());
  std::string signatures;
  const hessian::List& list = *request.find("methodArgSigs")->list();
  for (size_t i = 0; i < list.size(); ++i) rpc::detail::append_signature(signatures, list[i].text());
  must(signatures == head.signatures());
}

Result<void> read_into(const bolt::Frame& frame, const rpc::detail::FoundMethod& found, void* const* into, const hessian::ClassFilter& classes) {
  const rpc::detail::MethodShape& shape = found.entry->method->shape();
  if (frame.codec == bolt::kCodecHessian) {
    return rpc::detail::read_arguments(frame.content(), found.at, shape, into, found.entry->method->name(), &classes);
  }
  return rpc::detail::read_json_arguments(as_text(frame.content()), shape, into);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  Buffer in;
  in.append(ByteSpan(data, size));
  bolt::FrameParser parser(bolt::Limits{.max_frame = 1 << 16});
  bolt::Frame frame;
  if (parser.next(in, frame) != bolt::ParseStatus::frame || frame.is_response()) return 0;
  must((world.handlers.find(frame.class_name()) != nullptr) == (frame.class_name() == rpc::detail::kRequestClass));
  const auto header = bolt::HeaderMap::parse(frame.header(), 64);
  if (!header) return 0;
  if (frame.codec == bolt::kCodecHessian) check_head(frame.content());
  const rpc::detail::RequestRoute route(*header);
  const auto found = rpc::detail::find_method(frame, route, world.table, world.classes);
  if (!found) {
    must(!found.error().text.empty());
    return 0;
  }
  must(world.table.has_service(found->entry->service));
  const rpc::detail::MethodShape& shape = found->entry->method->shape();
  rpc::detail::Values values(shape);
  const auto read = read_into(frame, *found, values.arguments(), world.classes);
  fuzz::must_say_why(read);
  if (!read || frame.codec != bolt::kCodecHessian) return 0;  // JSON makes no classes
  for (size_t i = 0; i < shape.arguments.size(); ++i) fuzz::DeniedClasses().must_be_absent(shape.arguments[i], values.arguments()[i]);
  return 0;
}
