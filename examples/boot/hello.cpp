// An application of one component: boot-hello [--server-port 12200] [--hello-greeting hi] [-c boot-hello.yaml]. Java clients of an interface
// com.acme.Hello { String hello(String name); } call it, too.
#include "sofa/boot/application.h"

using namespace sofa;

struct Hello : rpc::Interface {
  static constexpr std::string_view kName = "com.acme.Hello";
  rpc::Method<std::string(std::string)> hello{this, "hello"};
};

struct GreeterConfig {
  std::string greeting = "hello";
  static auto describe(Description<GreeterConfig>& d) { d.field("greeting", &GreeterConfig::greeting).doc("the word before the name"); }
};

class Greeter {
 public:
  explicit Greeter(GreeterConfig config) : config_(std::move(config)) {}
  void implement(Hello& service) {
    service.hello = [this](std::string name) -> Result<std::string> { return config_.greeting + " " + name; };
  }

 private:
  const GreeterConfig config_;
};

int main(int argc, char** argv) {
  boot::Application app("boot-hello", "Greets.");
  app.component<Greeter>("hello").provides<Hello>().on(boot::bolt, boot::triple);
  return app.run(argc, argv);
}
