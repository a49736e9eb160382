// The whole application inside a test, on a free port, with a fake in place of one component.
#include <gtest/gtest.h>

#include "application.h"
#include "greeter.h"
#include "sofa/boot/testing/test_app.h"
#include "sofa/rpc/client.h"

namespace app_name {
namespace {

using namespace sofa;

class SailorsGreetings final : public Greetings {
 public:
  Result<std::string> word(const std::string&) const override { return "ahoy"; }
};

/// What a client of this protocol is answered; an error as its sentence.
std::string greet(boot::TestApp& app, std::string_view protocol, std::string name, std::string language = "") {
  const auto call = [](std::string url, GreetRequest request) -> io::Task<Result<GreetReply>> {
    auto service = co_await rpc::or_return(rpc::connect<AppName>(url));
    co_return co_await service->greet(request);
  };
  GreetRequest request;
  request.set_name(std::move(name));
  request.set_language(std::move(language));
  auto reply = app.run(call(app.url(protocol), request));
  return reply ? reply->text() : reply.error().to_string();
}

TEST(Greeter, SpeaksTheLanguagesOfItsConfiguration) {
  boot::TestApp app(assemble, {.configuration = "greetings: {words: {en: hello, fr: bonjour}}"});
  const auto started = app.start();
  ASSERT_TRUE(started) << started.error().to_string();
  EXPECT_EQ(greet(app, "bolt", "Ann"), "hello Ann");
  EXPECT_EQ(greet(app, "tri", "Ann", "fr"), "bonjour Ann");
  EXPECT_NE(greet(app, "tri", "Ann", "tlh").find("no greeting is known in 'tlh'"), std::string::npos);
}

TEST(Greeter, GreetsInTheWordsOfWhoeverProvidesThem) {
  boot::TestApp app(assemble);
  app.fake<Greetings>(std::make_shared<SailorsGreetings>());
  ASSERT_TRUE(app.start());
  EXPECT_EQ(greet(app, "tri", "Ann"), "ahoy Ann");
}

}  // namespace
}  // namespace app_name
