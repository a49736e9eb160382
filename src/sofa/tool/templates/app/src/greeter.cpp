#include "greeter.h"

namespace app_name {

sofa::Result<std::string> Greeter::greet(const std::string& name, const std::string& language) const {
  if (name.empty()) return sofa::fail(sofa::Code::invalid_argument, "'name' is empty: who is to be greeted?");
  auto word = greetings_->word(language.empty() ? "en" : language);
  if (!word) return word;
  return *word + " " + name;
}

void Greeter::implement(AppName& service) {
  service.greet = [this](GreetRequest request) -> sofa::Result<GreetReply> {
    auto text = greet(request.name(), request.language());
    if (!text) return sofa::forward_error(text);
    GreetReply reply;
    reply.set_text(*text);
    return reply;
  };
}

void Greeter::implement(GreetingRoutes& routes) {
  routes.greet = [this](std::string name, std::optional<std::string> language) -> sofa::Result<Greeting> {
    auto text = greet(name, language.value_or(""));
    if (!text) return sofa::forward_error(text);
    return Greeting{*text};
  };
}

}  // namespace app_name
