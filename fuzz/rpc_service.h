#pragma once
// The service that the fuzz targets of calls share: plain values, objects, overloads, dynamic values.

#include "must.h"
#include "sofa/rpc/interface.h"
#include "sofa/wire/hessian/value.h"

namespace fuzz {

using namespace sofa;
using namespace sofa::rpc;

struct User {
  int64_t id = 0;
  std::string name;
  std::vector<std::string> tags;
  std::optional<double> balance;
  static auto describe(Description<User>& d) {
    d.java_type("sofa.interop.User");
    d.field("id", &User::id);
    d.field("name", &User::name);
    d.field("tags", &User::tags);
    d.field("balance", &User::balance);
  }
};

struct Service : Interface {
  Method<std::string(std::string)> hello{this, "hello"};
  Method<std::string(std::string, int32_t)> hello_times{this, "hello", {.parameters = {"name", "times"}}};
  Method<int32_t(Array<int32_t>)> sum{this, "sum"};
  Method<User(User)> put_user{this, "putUser"};
  Method<Graph<hessian::Value>(Graph<hessian::Value>)> echo{this, "echoObject"};
  Method<void()> ping{this, "ping"};
};

inline std::shared_ptr<Service> make_service() {
  auto service = std::make_shared<Service>();
  service->hello = [](std::string s) { return s; };
  service->hello_times = [](std::string s, int32_t) { return s; };
  service->sum = [](Array<int32_t>) { return 0; };
  service->put_user = [](User user) { return user; };
  service->echo = [](Graph<hessian::Value> value) { return value; };
  service->ping = [] {};
  return service;
}

}  // namespace fuzz
