// A SOFARPC server: hello-server [--port 12200]. Java clients of an interface com.acme.Hello { String hello(String name); } call it, too.
#include "sofa/rpc/server.h"

using namespace sofa;

struct Hello : rpc::Interface {
  static constexpr std::string_view kName = "com.acme.Hello";
  rpc::Method<std::string(std::string)> hello{this, "hello"};
};

int main(int argc, char** argv) {
  auto service = std::make_shared<Hello>();
  service->hello = [](std::string name) -> Result<std::string> {
    if (name.empty()) return rpc::fail_java("java.lang.IllegalArgumentException", "a name is needed");
    return "hello " + name;
  };
  return rpc::serve(argc, argv, rpc::Server{}.port(12200).add(service));
}
