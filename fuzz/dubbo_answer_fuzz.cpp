// Any bytes as what a Dubbo provider sends to its caller: each frame is an answer that is read into the result, typed and dynamic, or an error that
// says what is wrong; a class that the caller refuses never gets in.
#include "sofa/rpc/detail/dubbo_codec.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace {

using namespace sofa;
using namespace sofa::rpc;

void must(bool good) {
  if (!good) __builtin_trap();
}

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
  must(done || !done.error().message().empty());
  must(done || frame.status == dubbo::Status::ok || rpc::detail::status_of(done.error()) != bolt::Status::success);
}

void check_dynamic(const dubbo::Frame& frame, const hessian::ClassFilter& classes) {
  hessian::Document result;
  rpc::detail::CallSpec spec;
  spec.method = "get";
  spec.document = &result;
  const auto done = rpc::detail::read_dubbo_answer(frame, spec, classes, nullptr);
  must(done || !done.error().message().empty());
  if (!done || result.get() == nullptr) return;
  must(hessian::to_text(*result).find("com.evil.") == std::string::npos || result->object() == nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hessian::ClassFilter classes;
  classes.deny("com.evil.");
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
