#pragma once
// The service of the examples whose methods have Java types.

#include "sofa/rpc/server.h"

struct Hello : sofa::rpc::Interface {
  static constexpr std::string_view kName = "com.acme.Hello";
  sofa::rpc::Method<std::string(std::string)> hello{this, "hello"};
};

inline std::shared_ptr<Hello> make_hello() {
  auto hello = std::make_shared<Hello>();
  hello->hello = [](std::string name) { return "hello " + name; };
  return hello;
}
