// The gateway process: the door of the bank. It asks risk, then the ledger, and tries again where trying again is safe.

#include "bank.sofa.h"
#include "bank/bank_api.h"
#include "bank/program.h"
#include "bank/proto_messages.h"
#include "bank/retry.h"
#include "sofa/base/random.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/server.h"

namespace bank {
namespace {

struct GatewayOptions {
  uint16_t port = 0;
  std::string ledger;
  std::string risk;
  int32_t ledger_attempts = 40;
  int32_t risk_attempts = 3;

  static auto describe(sofa::Description<GatewayOptions>& d) {
    d.doc("The bank's gateway process.");
    d.field("port", &GatewayOptions::port).doc("of Bolt, gRPC and HTTP, 0 picks a free one");
    d.field("ledger", &GatewayOptions::ledger).doc("address of the ledger, such as bolt://127.0.0.1:12201").required();
    d.field("risk", &GatewayOptions::risk).doc("address of the risk process").required();
    d.field("ledger_attempts", &GatewayOptions::ledger_attempts).doc("calls to the ledger for one request").range(1, 1000);
    d.field("risk_attempts", &GatewayOptions::risk_attempts).doc("calls to risk for one request").range(1, 1000);
  }
};

class GatewayService {
 public:
  GatewayService(const GatewayOptions& options, std::shared_ptr<Ledger> ledger, std::shared_ptr<Risk> risk)
      : options_(options), ledger_(std::move(ledger)), risk_(std::move(risk)) {}

  Task<Result<Receipt>> open_account(std::string account, int64_t deposit) {
    Repeated repeated;
    co_return co_await insist<Receipt>(options_.ledger_attempts, repeated, [&] { return ledger_->open_account(account, deposit); });
  }

  // region: gateway-transfer
  Task<Result<Receipt>> transfer(Transfer transfer) {
    Repeated repeated;
    const bool allowed = co_await or_return(insist<bool>(options_.risk_attempts, repeated, [&] { return risk_->allows(transfer); }));
    if (!allowed) co_return fail(Code::permission_denied, "risk refuses {} cents from '{}'; send less", transfer.cents, transfer.from);
    Receipt receipt = co_await or_return(insist<Receipt>(options_.ledger_attempts, repeated, [&] { return ledger_->transfer(transfer); }));
    receipt.retries = repeated.calls;
    receipt.deadlines = repeated.deadlines;
    co_return receipt;
  }
  // endregion

  Task<Result<Statement>> statement(std::string account, int64_t skip, int32_t limit) {
    Repeated repeated;
    co_return co_await insist<Statement>(options_.ledger_attempts, repeated, [&] { return ledger_->statement(account, skip, limit); });
  }

 private:
  struct Repeated {
    int32_t calls = 0;
    int32_t deadlines = 0;  // of them: not answered in time
  };

  // region: insist
  /// Calls until it succeeds, fails for good, or the caller's deadline (which every wait in here obeys) has passed.
  template <class T, class Call>
  Task<Result<T>> insist(int32_t attempts, Repeated& repeated, Call call) {
    for (int32_t attempt = 1;; ++attempt) {
      Result<T> result = co_await call();
      if (result || attempt == attempts || !worth_another_try(result.error())) co_return result;
      ++repeated.calls;
      if (result.error().code() == Code::deadline_exceeded) ++repeated.deadlines;
      const auto pause = std::chrono::milliseconds(5 * std::min(attempt, 20) + static_cast<int64_t>(random_.uniform(10)));
      co_await or_return(sofa::io::sleep_for(pause));
    }
  }
  // endregion

  const GatewayOptions& options_;
  std::shared_ptr<Ledger> ledger_;
  std::shared_ptr<Risk> risk_;
  sofa::Random random_{sofa::system_seed()};
};

// region: gateway-grpc
/// The same calls for clients of gRPC.
std::shared_ptr<v1::Bank> make_grpc_door(GatewayService& service) {
  auto door = std::make_shared<v1::Bank>();
  door->open_account = [&service](v1::OpenAccountRequest request) -> Task<Result<v1::Receipt>> {
    co_return to_proto(co_await or_return(service.open_account(request.account(), request.deposit_cents())));
  };
  door->transfer = [&service](v1::TransferRequest request) -> Task<Result<v1::Receipt>> {
    co_return to_proto(co_await or_return(service.transfer(from_proto(request))));
  };
  door->get_statement = [&service](v1::StatementRequest request) -> Task<Result<v1::Statement>> {
    co_return to_proto(co_await or_return(service.statement(request.account(), request.skip(), request.limit())));
  };
  return door;
}
// endregion

Task<int> run(const GatewayOptions& options) {
  auto ledger = co_await sofa::rpc::connect<Ledger>(options.ledger);
  auto risk = co_await sofa::rpc::connect<Risk>(options.risk);
  if (!ledger || !risk) co_return report_failure(!ledger ? ledger.error() : risk.error());
  GatewayService service(options, *ledger, *risk);
  auto gateway = std::make_shared<Gateway>();
  gateway->open_account.bind(&service, &GatewayService::open_account);
  gateway->transfer.bind(&service, &GatewayService::transfer);
  gateway->statement.bind(&service, &GatewayService::statement);
  auto server = sofa::rpc::Server{}.port(options.port).add(gateway).add(make_grpc_door(service)).json(sofa::grpc::protobuf_json());
  co_return co_await sofa::rpc::serve_until_stopped(sofa::grpc::with_reflection(std::move(server)));
}

}  // namespace
}  // namespace bank

int main(int argc, char** argv) { return bank::run_program(argc, argv, bank::run); }
