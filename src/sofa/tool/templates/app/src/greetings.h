#pragma once
// Where the words of a greeting come from: an interface, so that a test may put another one in its place, and the component behind it.

#include <map>
#include <string>
#include <utility>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace app_name {

class Greetings {
 public:
  virtual ~Greetings() = default;
  virtual sofa::Result<std::string> word(const std::string& language) const = 0;
};

/// `greetings:` of app-name.yaml.
struct GreetingsConfig {
  std::map<std::string, std::string> words{{"en", "hello"}};
  static auto describe(sofa::Description<GreetingsConfig>& d) { d.field("words", &GreetingsConfig::words).doc("how to greet, by language"); }
};

class ConfiguredGreetings final : public Greetings {
 public:
  explicit ConfiguredGreetings(GreetingsConfig config) : config_(std::move(config)) {}
  sofa::Result<std::string> word(const std::string& language) const override {
    const auto found = config_.words.find(language);
    if (found != config_.words.end()) return found->second;
    return sofa::fail(sofa::Code::not_found, "no greeting is known in '{}': add one to greetings.words", language);
  }

 private:
  const GreetingsConfig config_;
};

}  // namespace app_name
