// The risk process: says yes or no to a transfer. Slow on purpose now and then, so that the deadlines and retries of its callers are seen.

#include "bank/bank_api.h"
#include "bank/program.h"
#include "sofa/base/random.h"
#include "sofa/rpc/server.h"

namespace bank {
namespace {

struct RiskOptions {
  uint16_t port = 0;
  int64_t max_cents = 100'000;
  int32_t slow_one_in = 500;
  int32_t slow_ms = 150;
  uint64_t seed = 1;

  static auto describe(sofa::Description<RiskOptions>& d) {
    d.doc("The bank's risk process.");
    d.field("port", &RiskOptions::port).doc("bolt port, 0 picks a free one");
    d.field("max_cents", &RiskOptions::max_cents).doc("largest transfer it lets pass").unit("cents").at_least(1);
    d.field("slow_one_in", &RiskOptions::slow_one_in).doc("one of so many answers is slow, 0: none").range(0, 1'000'000);
    d.field("slow_ms", &RiskOptions::slow_ms).doc("how slow").unit("ms").range(0, 60'000);
    d.field("seed", &RiskOptions::seed).doc("which answers are slow");
  }
};

// region: risk
Task<Result<bool>> allows(const RiskOptions& options, sofa::Random& random, Transfer transfer) {
  if (options.slow_one_in > 0 && random.uniform(static_cast<uint64_t>(options.slow_one_in)) == 0) {
    co_await or_return(sofa::io::sleep_for(std::chrono::milliseconds(options.slow_ms)));
  }
  co_return transfer.cents <= options.max_cents;
}
// endregion

Task<int> run(const RiskOptions& options) {
  sofa::Random random(options.seed);
  auto risk = std::make_shared<Risk>();
  risk->allows = [&](Transfer transfer) { return allows(options, random, std::move(transfer)); };
  co_return co_await sofa::rpc::serve_until_stopped(sofa::rpc::Server{}.port(options.port).add(risk));
}

}  // namespace
}  // namespace bank

int main(int argc, char** argv) { return bank::run_program(argc, argv, bank::run); }
