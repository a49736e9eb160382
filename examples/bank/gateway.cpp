// The gateway process: the door of the bank. It asks risk, then the ledger, and tries again where trying again is safe.

#include "bank/bank_api.h"
#include "bank/program.h"
#include "bank/retry.h"
#include "sofa/base/random.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/server.h"

namespace {

using sofa::Result;
using sofa::io::or_return;
using sofa::io::Task;

struct GatewayOptions {
  uint16_t port = 0;
  std::string ledger;
  std::string risk;
  int32_t ledger_attempts = 40;
  int32_t risk_attempts = 3;

  static auto describe(sofa::Description<GatewayOptions>& d) {
    d.doc("The bank's gateway process.");
    d.field("port", &GatewayOptions::port).doc("bolt port, 0 picks a free one");
    d.field("ledger", &GatewayOptions::ledger).doc("address of the ledger, such as bolt://127.0.0.1:12201").required();
    d.field("risk", &GatewayOptions::risk).doc("address of the risk process").required();
    d.field("ledger_attempts", &GatewayOptions::ledger_attempts).doc("calls to the ledger for one request").range(1, 1000);
    d.field("risk_attempts", &GatewayOptions::risk_attempts).doc("calls to risk for one request").range(1, 1000);
  }
};

class GatewayService {
 public:
  GatewayService(const GatewayOptions& options, std::shared_ptr<bank::Ledger> ledger, std::shared_ptr<bank::Risk> risk)
      : options_(options), ledger_(std::move(ledger)), risk_(std::move(risk)) {}

  Task<Result<bank::Receipt>> open_account(std::string account, int64_t deposit) {
    int32_t retries = 0;
    co_return co_await insist<bank::Receipt>(options_.ledger_attempts, retries, [&] { return ledger_->open_account(account, deposit); });
  }

  // region: gateway-transfer
  Task<Result<bank::Receipt>> transfer(bank::Transfer transfer) {
    int32_t retries = 0;
    const bool allowed = co_await or_return(insist<bool>(options_.risk_attempts, retries, [&] { return risk_->allows(transfer); }));
    if (!allowed) co_return sofa::fail(sofa::Code::permission_denied, "risk refuses {} cents from '{}'; send less", transfer.cents, transfer.from);
    bank::Receipt receipt = co_await or_return(insist<bank::Receipt>(options_.ledger_attempts, retries, [&] { return ledger_->transfer(transfer); }));
    receipt.retries = retries;
    co_return receipt;
  }
  // endregion

  Task<Result<bank::Statement>> statement(std::string account, int64_t skip, int32_t limit) {
    int32_t retries = 0;
    co_return co_await insist<bank::Statement>(options_.ledger_attempts, retries, [&] { return ledger_->statement(account, skip, limit); });
  }

 private:
  // region: insist
  /// Calls until it succeeds, fails for good, or the caller's deadline (which every wait in here obeys) has passed.
  template <class T, class Call>
  Task<Result<T>> insist(int32_t attempts, int32_t& retries, Call call) {
    for (int32_t attempt = 1;; ++attempt) {
      Result<T> result = co_await call();
      if (result || attempt == attempts || !bank::worth_another_try(result.error())) co_return result;
      ++retries;
      const auto pause = std::chrono::milliseconds(5 * std::min(attempt, 20) + static_cast<int64_t>(random_.uniform(10)));
      co_await or_return(sofa::io::sleep_for(pause));
    }
  }
  // endregion

  const GatewayOptions& options_;
  std::shared_ptr<bank::Ledger> ledger_;
  std::shared_ptr<bank::Risk> risk_;
  sofa::Random random_{sofa::system_seed()};
};

Task<int> run(const GatewayOptions& options) {
  auto ledger = co_await sofa::rpc::connect<bank::Ledger>(options.ledger);
  auto risk = co_await sofa::rpc::connect<bank::Risk>(options.risk);
  if (!ledger || !risk) co_return bank::report_failure(!ledger ? ledger.error() : risk.error());
  GatewayService service(options, *ledger, *risk);
  auto gateway = std::make_shared<bank::Gateway>();
  gateway->open_account.bind(&service, &GatewayService::open_account);
  gateway->transfer.bind(&service, &GatewayService::transfer);
  gateway->statement.bind(&service, &GatewayService::statement);
  co_return co_await sofa::rpc::serve_until_stopped(sofa::rpc::Server{}.port(options.port).add(gateway));
}

}  // namespace

int main(int argc, char** argv) {
  GatewayOptions options;
  if (auto code = bank::parse_command_line(argc, argv, options)) return *code;
  return sofa::io::run(run(options), {.shards = 1});
}
