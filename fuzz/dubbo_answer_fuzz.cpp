// Any bytes as what a Dubbo provider sends to its caller: each frame is an answer that is read into the result, typed and dynamic, or an error that
// says what is wrong; a class that the caller refuses never gets in.
#include "denied_classes.h"
#include "sofa/rpc/detail/dubbo_codec.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace {

using namespace sofa;
using namespace sofa::rpc;
using fuzz::must;
using fuzz::must_say_why;

struct User {
  int64_t id = 0;
  std::string name;
  std::optional<std::vector<std::string>> tags;
  std::optional<double> balance;
  Link<User> manager;
  static auto describe(Description<User>& d) {
    d.java_type("sofa.interop.User");
    d.field("id", &User::id);
    d.field("name", &User::name);
    d.field("tags", &User::tags);
    d.field("balance", &User::balance);
    d.field("manager", &User::manager);
  }
};

template <class R>
void check_typed(const dubbo::Frame& frame, const hessian::ClassFilter& classes) {
  R result{};
  rpc::detail::CallSpec spec;
  spec.method = "get";
  spec.shape = &rpc::detail::shape_of<R>();
  spec.result = &result;
  CallResponse response;
  const auto done = rpc::detail::read_dubbo_answer(frame, spec, classes, &response);
  must_say_why(done);
  must(done || frame.status == dubbo::Status::ok || rpc::detail::status_of(done.error()) != bolt::Status::success);
}

void check_dynamic(const dubbo::Frame& frame, const hessian::ClassFilter& classes) {
  hessian::Document result;
  rpc::detail::CallSpec spec;
  spec.method = "get";
  spec.document = &result;
  const auto done = rpc::detail::read_dubbo_answer(frame, spec, classes, nullptr);
  must_say_why(done);
  fuzz::DeniedClasses denied;
  if (done && result.get() != nullptr) denied.must_be_absent(*result);
  if (const auto* thrown = done ? nullptr : done.error().detail<JavaException>()) denied.must_be_absent(*thrown);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const hessian::ClassFilter classes = fuzz::DeniedClasses::filter();
  dubbo::FrameParser parser(1 << 16);
  Buffer in;
  in.append(ByteSpan(data, size));
  for (dubbo::Frame frame; parser.next(in, frame) == dubbo::ParseStatus::frame;) {
    check_typed<std::string>(frame, classes);
    check_typed<std::vector<int32_t>>(frame, classes);
    check_typed<Graph<User>>(frame, classes);
    check_dynamic(frame, classes);
  }
  return 0;
}
