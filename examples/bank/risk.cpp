// The risk process: says yes or no to a transfer. Slow on purpose now and then, so that the deadlines and retries of its callers are seen.

#include "bank/bank_api.h"
#include "bank/names.h"
#include "sofa/base/random.h"
#include "sofa/boot/application.h"
#include "sofa/io/shard.h"

namespace bank {
namespace {

struct RiskConfig {
  int64_t max_cents = 100'000;
  int32_t slow_one_in = 500;
  int32_t slow_ms = 150;
  uint64_t seed = 1;

  static auto describe(sofa::Description<RiskConfig>& d) {
    d.doc("What risk lets pass, and how slow it is.");
    d.field("max_cents", &RiskConfig::max_cents).doc("largest transfer it lets pass").unit("cents").at_least(1);
    d.field("slow_one_in", &RiskConfig::slow_one_in).doc("one of so many answers is slow, 0: none").range(0, 1'000'000);
    d.field("slow_ms", &RiskConfig::slow_ms).doc("how slow").unit("ms").range(0, 60'000);
    d.field("seed", &RiskConfig::seed).doc("which answers are slow");
  }
};

// region: risk
class RiskRules {
 public:
  explicit RiskRules(RiskConfig config) : config_(config), random_(config.seed) {}
  void implement(Risk& risk) { risk.allows.bind(this, &RiskRules::allows); }

 private:
  Task<Result<bool>> allows(Transfer transfer) {
    if (config_.slow_one_in > 0 && random_.uniform(static_cast<uint64_t>(config_.slow_one_in)) == 0) {
      co_await or_return(sofa::io::sleep_for(std::chrono::milliseconds(config_.slow_ms)));
    }
    co_return transfer.cents <= config_.max_cents;
  }

  const RiskConfig config_;
  sofa::Random random_;
};
// endregion

}  // namespace
}  // namespace bank

int main(int argc, char** argv) {
  using namespace sofa;
  boot::Application app("bank-risk", "The bank's risk process.");
  app.defaults().port = 12202;
  app.component<bank::RiskRules>("risk").provides<bank::Risk>().on(boot::bolt, boot::triple, boot::http);
  return app.run(argc, argv);
}
