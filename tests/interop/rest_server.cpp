// The REST of the contract (section 4): a few typed routes, asked by SOFARPC's RESTEasy client and by curl.
#include "sofa/rest/api.h"

#include "plain_pages.h"
#include "services.h"

namespace interop {

namespace {

struct Greeting {
  std::string name;
  int32_t times = 1;
  static auto describe(sofa::Description<Greeting>& d) {
    d.field("name", &Greeting::name);
    d.field("times", &Greeting::times).doc("how often, at least once");
  }
};

struct RestUser {
  int64_t id = 0;
  Text name;
  std::optional<std::vector<std::string>> tags;
  static auto describe(sofa::Description<RestUser>& d) {
    d.java_type("sofa.interop.RestUser");
    d.field("id", &RestUser::id);
    d.field("name", &RestUser::name);
    d.field("tags", &RestUser::tags);
  }
};

struct Sent {
  Text value;
  static auto describe(sofa::Description<Sent>& d) { d.field("value", &Sent::value); }
};

struct Failure {
  Text kind;
  static auto describe(sofa::Description<Failure>& d) { d.field("kind", &Failure::kind); }
};

std::string greet(const Greeting& greeting) {
  std::string all;
  for (int32_t i = 0; i < std::max(1, greeting.times); ++i) all += (i > 0 ? ",hello " : "hello ") + greeting.name;
  return all;
}

RestUser next(RestUser user) {
  user.id = static_cast<int64_t>(static_cast<uint64_t>(user.id) + 1);
  return user;
}

}  // namespace

std::shared_ptr<sofa::rest::Api> make_rest_api() {
  static PlainPages pages;
  auto api = std::make_shared<sofa::rest::Api>(sofa::rest::About{.title = "The interop contract", .version = "1"});
  api->get("/interop/hello/{name}", [](const Greeting& greeting) { return greet(greeting); }).plain_text().doc("Greets.");
  api->post("/interop/user", [](RestUser user) { return next(std::move(user)); }).lenient().doc("The user with the next id.");
  api->get("/interop/header", [](const Sent& sent) { return "header=" + sent.value.value_or("null"); }).header("value", "x-interop").plain_text();
  api->get("/interop/fail", [](const Failure& failure) -> Result<std::string> {
    // Whatever it throws is 500 in the contract, as RESTEasy answers an exception that no mapper knows.
    return sofa::fail(sofa::Code::unknown, "{}", throw_it(failure.kind).error());
  });
  api->router().set_fallback(pages);
  return api;
}

}  // namespace interop
