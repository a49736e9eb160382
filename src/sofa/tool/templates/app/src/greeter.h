#pragma once
// The service. One class stands behind two faces: the one of the .proto (Bolt, Triple, gRPC, JSON), and routes of REST.

#include <optional>
#include <string>
#include <utility>

#include "app_name.sofa.h"
#include "greetings.h"
#include "sofa/boot/reference.h"
#include "sofa/rpc/interface.h"

namespace app_name {

struct Greeting {
  std::string text;
  static auto describe(sofa::Description<Greeting>& d) { d.field("text", &Greeting::text); }
};

/// What the routes call; application.cpp has their paths.
struct GreetingRoutes : sofa::rpc::Interface {
  static constexpr std::string_view kName = "app_name.GreetingRoutes";
  sofa::rpc::Method<Greeting(std::string name, std::optional<std::string> language)> greet{
      this, "greet", {.parameters = {"name", "language"}, .doc = "Greets one person."}};
};

class Greeter {
 public:
  /// What a constructor asks for is what the application gives it: here whichever component provides Greetings.
  explicit Greeter(sofa::boot::Ref<Greetings> greetings) : greetings_(std::move(greetings)) {}

  void implement(AppName& service);
  void implement(GreetingRoutes& routes);

 private:
  sofa::Result<std::string> greet(const std::string& name, const std::string& language) const;

  sofa::boot::Ref<Greetings> greetings_;
};

}  // namespace app_name
