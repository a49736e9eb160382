#pragma once
// The sample service as Dubbo's contract has it: with attachments, an enum and an object of several kinds of fields.

#include "sample.h"
#include "sofa/wire/hessian/java_types.h"

namespace sofa::rpc::testing {

enum class Level { bronze, silver, gold };
inline void describe(EnumDescription<Level>& d) {
  d.java_type("sofa.interop.Level").value("BRONZE", Level::bronze).value("SILVER", Level::silver).value("GOLD", Level::gold);
}

struct Account {
  std::string name;
  std::optional<Level> level;
  std::vector<Transfer> transfers;
  std::optional<hessian::BigDecimal> balance;
  static auto describe(Description<Account>& d) {
    d.java_type("bank.Account");
    d.field("name", &Account::name);
    d.field("level", &Account::level);
    d.field("transfers", &Account::transfers);
    d.field("balance", &Account::balance);
  }
};

struct DubboSample : Sample {
  static constexpr std::string_view kName = "sofa.interop.DubboInteropService";
  Method<Text(Text)> attachment{this, "attachment"};
  Method<std::optional<Level>(std::optional<Level>)> next_level{this, "nextLevel"};
  Method<Account(Account)> open{this, "open"};
};

inline std::shared_ptr<DubboSample> make_dubbo_sample(const std::shared_ptr<Seen>& seen) {
  auto s = std::make_shared<DubboSample>();
  fill_sample(*s, seen, {});
  s->attachment = [](Context& context, Text key) -> Text {
    context.put_response_baggage("answer", "got");
    const auto value = context.baggage(key.value_or(""));
    return value ? Text(std::string(*value)) : Text();
  };
  s->next_level = [](std::optional<Level> level) -> std::optional<Level> {
    if (!level) return {};
    return static_cast<Level>((static_cast<int>(*level) + 1) % 3);
  };
  s->open = [](Account account) {
    account.name += "!";
    return account;
  };
  return s;
}

}  // namespace sofa::rpc::testing
