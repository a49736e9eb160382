// The gateway process: the door of the bank. It asks risk, then the ledger, and tries again where trying again is safe.

#include "bank.sofa.h"
#include "bank/bank_api.h"
#include "bank/names.h"
#include "bank/proto_messages.h"
#include "bank/retry.h"
#include "sofa/base/random.h"
#include "sofa/boot/application.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"
#include "sofa/io/shard.h"

namespace bank {
namespace {

struct GatewayConfig {
  int32_t ledger_attempts = 40;
  int32_t risk_attempts = 10;

  static auto describe(sofa::Description<GatewayConfig>& d) {
    d.doc("How the door insists.");
    d.field("ledger_attempts", &GatewayConfig::ledger_attempts).doc("calls to the ledger for one request").range(1, 1000);
    d.field("risk_attempts", &GatewayConfig::risk_attempts).doc("calls to risk for one request").range(1, 1000);
  }
};

class GatewayService {
 public:
  GatewayService(GatewayConfig config, sofa::boot::Ref<Ledger> ledger, sofa::boot::Ref<Risk> risk)
      : config_(config), ledger_(std::move(ledger)), risk_(std::move(risk)) {}

  void implement(Gateway& gateway) {
    gateway.open_account.bind(this, &GatewayService::open_account);
    gateway.transfer.bind(this, &GatewayService::transfer);
    gateway.statement.bind(this, &GatewayService::statement);
  }

  // region: gateway-grpc
  /// The same calls for clients of gRPC.
  void implement(v1::Bank& door) {
    door.open_account = [this](v1::OpenAccountRequest request) -> Task<Result<v1::Receipt>> {
      co_return to_proto(co_await or_return(open_account(request.account(), request.deposit_cents())));
    };
    door.transfer = [this](v1::TransferRequest request) -> Task<Result<v1::Receipt>> {
      co_return to_proto(co_await or_return(transfer(from_proto(request))));
    };
    door.get_statement = [this](v1::StatementRequest request) -> Task<Result<v1::Statement>> {
      co_return to_proto(co_await or_return(statement(request.account(), request.skip(), request.limit())));
    };
  }
  // endregion

 private:
  Task<Result<Receipt>> open_account(std::string account, int64_t deposit) {
    Repeated repeated;
    co_return co_await insist<Receipt>(config_.ledger_attempts, repeated, [&] { return ledger_->open_account(account, deposit); });
  }

  // region: gateway-transfer
  Task<Result<Receipt>> transfer(Transfer transfer) {
    Repeated repeated;
    const bool allowed = co_await or_return(insist<bool>(config_.risk_attempts, repeated, [&] { return risk_->allows(transfer); }));
    if (!allowed) co_return fail(Code::permission_denied, "risk refuses {} cents from '{}'; send less", transfer.cents, transfer.from);
    Receipt receipt = co_await or_return(insist<Receipt>(config_.ledger_attempts, repeated, [&] { return ledger_->transfer(transfer); }));
    receipt.retries = repeated.calls;
    receipt.deadlines = repeated.deadlines;
    co_return receipt;
  }
  // endregion

  Task<Result<Statement>> statement(std::string account, int64_t skip, int32_t limit) {
    Repeated repeated;
    co_return co_await insist<Statement>(config_.ledger_attempts, repeated, [&] { return ledger_->statement(account, skip, limit); });
  }

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

  const GatewayConfig config_;
  const sofa::boot::Ref<Ledger> ledger_;
  const sofa::boot::Ref<Risk> risk_;
  sofa::Random random_{sofa::system_seed()};
};

/// Messages of protobuf in JSON, and what describes the services of gRPC.
sofa::rpc::Server for_every_client(sofa::rpc::Server server) {
  return sofa::grpc::with_reflection(std::move(server).json(sofa::grpc::protobuf_json()));
}

}  // namespace
}  // namespace bank

// region: main
int main(int argc, char** argv) {
  using namespace sofa;
  boot::Application app("bank-gateway", "The bank's gateway process.");
  app.component<bank::GatewayService>("gateway")
      .provides<bank::Gateway>()
      .on(boot::bolt, boot::triple, boot::http)
      .provides<bank::v1::Bank>()
      .on(boot::grpc, boot::http);
  app.on_publish([](rpc::Server server, boot::Readiness&, std::span<const std::string>) { return bank::for_every_client(std::move(server)); });
  return app.run(argc, argv);
}
// endregion
