#pragma once
// TestApp: an application inside a unit test, on a runtime, a port and a clock of its own.
//
//   TEST(Bank, RefusesWhatRiskRefuses) {
//     auto risk = std::make_shared<Risk>();                                  // a service, or any class that a component provides
//     risk->assess = [](Transfer) -> Result<Verdict> { return Verdict::refused; };
//     TestApp app(register_components, {.configuration = "ledger: {folder: /tmp/x}"});    // the function that main() calls, too
//     app.fake(risk);
//     ASSERT_TRUE(app.start());
//     app.advance(30s);                                                      // nothing happens by itself: the clock is virtual
//     EXPECT_TRUE(app.eventually([&] { return app.get<Ledger>()->size() == 1; }));
//   }
//
// The environment and files of the machine are not read, logging stays as the test has it, ports are free ones. The application runs on the
// test's thread.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sofa/base/clock.h"
#include "sofa/boot/application.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {

struct TestAppOptions {
  std::string name = "test";
  std::string configuration{};                   ///< the text of its file (YAML)
  bool virtual_clock = true;                     ///< false: the machine's time passes
  Duration patience = std::chrono::seconds(10);  ///< of the machine's time: how long a wait may take
};

class TestApp {
 public:
  explicit TestApp(const std::function<void(Application&)>& assemble, TestAppOptions options = {});
  /// Stops it when it runs.
  ~TestApp();
  TestApp(const TestApp&) = delete;
  TestApp& operator=(const TestApp&) = delete;

  /// Before start(). Puts `object` in place of every component that provides T under this id, under the first one's name and on its protocols; where
  /// none does, it is added, and references to a remote T find it. What else those components provide is missing then.
  template <class T>
  TestApp& fake(std::shared_ptr<T> object, std::string unique_id = {}) {
    ComponentSpec spec = component_spec_made_by("fake", [object = std::move(object)] { return object; });
    spec.offers.front().unique_id = std::move(unique_id);
    app_.put_in_place(std::move(spec));
    return *this;
  }
  Application& application() { return app_; }

  /// Configures and starts it. While a start or stop waits longer than 50 ms, a virtual clock moves, ten times as fast as the machine's.
  Result<void> start();
  /// Once; its error when a step failed.
  Result<void> stop();
  /// While it runs.
  RunningApplication& running() { return *running_; }
  uint16_t port() const { return running_->port(); }
  uint16_t admin_port() const { return running_->admin_port(); }
  /// "bolt://127.0.0.1:4711".
  std::string url(std::string_view protocol = "bolt") const;

  /// What provides T under this id: a component, or a fake; null when nothing does.
  template <class T>
  std::shared_ptr<T> get(std::string_view unique_id = {}) const {
    return std::static_pointer_cast<T>(find(interface_of<T>(), unique_id));
  }
  /// Runs a task on the application's shard.
  template <class T>
  T run(io::Task<T> task) {
    return runtime_.block_on(std::move(task));
  }
  /// Moves the virtual clock, and lets what is due begin.
  void advance(Duration by);
  /// Looks on the application's shard until it holds; false after `patience`. Before each look a virtual clock moves by `step`.
  bool eventually(const std::function<bool()>& holds, Duration step = {});
  Clock& clock() { return options_.virtual_clock ? static_cast<Clock&>(clock_) : SystemClock::instance(); }

 private:
  std::shared_ptr<void> find(const InterfaceId& interface, std::string_view unique_id) const;
  template <class T>
  T run_while_time_passes(io::Task<T> task);

  const TestAppOptions options_;
  ManualClock clock_;
  Application app_;
  io::Runtime runtime_;
  std::unique_ptr<RunningApplication> running_;
};

}  // namespace sofa::boot
