#include "sofa/boot/testing/test_app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <filesystem>

#include "sofa/rpc/client.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Risk : rpc::Interface {
  static constexpr std::string_view kName = "demo.Risk";
  rpc::Method<bool(int)> allows{this, "allows"};
};
struct Ledger : rpc::Interface {
  static constexpr std::string_view kName = "demo.Ledger";
  rpc::Method<std::string(int)> pay{this, "pay"};
};

/// A class between the service and its store, as applications have it.
class Store {
 public:
  virtual ~Store() = default;
  virtual void add(int) = 0;
};
class DiskStore final : public Store {
 public:
  Result<void> start() { return fail(Code::unavailable, "there is no disk in a test"); }
  void add(int) override {}
};
class MemoryStore final : public Store {
 public:
  void add(int cents) override { sum += cents; }
  int sum = 0;
};

struct LedgerConfig {
  int limit = 100;
  static auto describe(Description<LedgerConfig>& d) { d.field("limit", &LedgerConfig::limit); }
};

class LedgerService {
 public:
  LedgerService(LedgerConfig config, Ref<Risk> risk, Ref<Store> store) : config_(config), risk_(std::move(risk)), store_(std::move(store)) {}
  void implement(Ledger& ledger) {
    ledger.pay = [this](int cents) -> io::Task<Result<std::string>> {
      const bool allowed = co_await io::or_return(co_await risk_->allows(cents));
      if (!allowed || cents > config_.limit) co_return "refused";
      store_->add(cents);
      co_return "paid";
    };
  }

 private:
  const LedgerConfig config_;
  Ref<Risk> risk_;
  Ref<Store> store_;
};

/// Counts its turns, one each minute of the application's clock.
class Sweeper {
 public:
  io::Task<Result<void>> start() {
    tasks_ = std::make_unique<io::TaskGroup>();
    tasks_->spawn("sweep", sweep());
    co_return Result<void>{};
  }
  io::Task<Result<void>> stop() {
    tasks_->cancel();
    co_return co_await tasks_->join();
  }
  int turns = 0;

 private:
  io::Task<void> sweep() {
    while (co_await io::sleep_for(1min)) ++turns;
  }
  std::unique_ptr<io::TaskGroup> tasks_;
};

void bank(Application& app) {
  app.component<DiskStore>("store").provides<Store>();
  app.component<LedgerService>("ledger").provides<Ledger>().on(bolt).after("store");
  app.component<Sweeper>("sweeper");
}

std::shared_ptr<Risk> careful() {
  auto risk = std::make_shared<Risk>();
  risk->allows = [](int cents) -> Result<bool> { return cents < 1'000; };
  return risk;
}

Result<std::string> pay(TestApp& app, int cents) {
  return app.run([](std::string url, int paid) -> io::Task<Result<std::string>> {
    auto ledger = co_await io::or_return(co_await rpc::connect<Ledger>(url));
    co_return co_await ledger->pay(paid);
  }(app.url(), cents));
}

TEST(TestApp, PutsFakesInPlaceOfComponentsAndOfRemoteServices) {
  auto store = std::make_shared<MemoryStore>();
  TestApp app(bank, {.configuration = "ledger: {limit: 50}"});
  app.fake<Store>(store).fake(careful());
  const auto started = app.start();
  ASSERT_TRUE(started) << started.error().to_string();
  EXPECT_EQ(pay(app, 40).value_or("no answer"), "paid");
  EXPECT_EQ(pay(app, 60).value_or("no answer"), "refused");
  EXPECT_EQ(store->sum, 40);
  EXPECT_EQ(app.get<Store>(), store);
  EXPECT_EQ(app.get<DiskStore>(), nullptr);
  EXPECT_TRUE(app.stop());
}

TEST(TestApp, WithoutTheFakesItFailsAsTheProgramWould) {
  TestApp missing(bank);
  const auto planned = missing.start();
  ASSERT_FALSE(planned);
  EXPECT_THAT(planned.error().to_string(), HasSubstr("needs demo.Risk, which no component provides"));
  TestApp app(bank);
  app.fake(careful());
  const auto started = app.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().to_string(), HasSubstr("there is no disk in a test"));
}

TEST(TestApp, AWrongConfigurationIsToldWithItsPlace) {
  TestApp app(bank, {.configuration = "ledger:\n  limt: 50\n"});
  const auto started = app.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().to_string(), HasSubstr("test.yaml:2:3: ledger.limt is no known key; did you mean \"limit\"?"));
}

TEST(TestApp, TimePassesWhenTheTestSaysSo) {
  TestApp app([](Application& application) { application.component<Sweeper>("sweeper"); });
  ASSERT_TRUE(app.start());
  const auto sweeper = app.get<Sweeper>();
  app.advance(59s);
  EXPECT_EQ(sweeper->turns, 0);
  app.advance(1s);
  EXPECT_TRUE(app.eventually([&] { return sweeper->turns == 1; }));
  EXPECT_TRUE(app.eventually([&] { return sweeper->turns == 5; }, 10s)) << "each look moves the clock";
  EXPECT_TRUE(app.stop());
}

/// What a process holds.
struct Held {
  size_t files = 0, threads = 0, bytes = 0, entries = 0;
  static size_t count(const std::filesystem::path& folder) {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }
  static Held now() { return {count("/proc/self/fd"), count("/proc/self/task"), mallinfo2().uordblks, count(std::filesystem::current_path())}; }
};

TEST(TestApp, FiveHundredStartsAndStopsLeaveNothingBehind) {
  constexpr int kCycles = 500;
  constexpr int kWarm = 50;  // caches of threads and of the allocator have their size by then
  set_log_level(LogLevel::warn);
  Held before;
  for (int i = 0; i < kCycles; ++i) {
    if (i == kWarm) before = Held::now();
    TestApp app(bank);
    app.fake<Store>(std::make_shared<MemoryStore>()).fake(careful());
    ASSERT_TRUE(app.start()) << "cycle " << i;
    if (i % 10 == 0) {
      ASSERT_EQ(pay(app, 1).value_or("no answer"), "paid") << "cycle " << i;
    }
    ASSERT_TRUE(app.stop()) << "cycle " << i;
  }
  set_log_level(LogLevel::info);
  const Held after = Held::now();
  EXPECT_EQ(after.files, before.files) << "file descriptors";
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_EQ(after.entries, before.entries) << "files in the folder";
  EXPECT_LT(after.bytes, before.bytes + (size_t{64} << 10)) << "bytes of the heap, " << kCycles - kWarm << " cycles";
}

}  // namespace
}  // namespace sofa::boot
