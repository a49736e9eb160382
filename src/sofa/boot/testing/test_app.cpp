#include "sofa/boot/testing/test_app.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace sofa::boot {

using namespace std::chrono_literals;

TestApp::TestApp(const std::function<void(Application&)>& assemble, TestAppOptions options)
    : options_(std::move(options)), app_(options_.name), runtime_({.shards = 1, .clock = &clock()}) {
  app_.defaults().port = 0;
  app_.admin_defaults().port = 0;
  assemble(app_);
}

TestApp::~TestApp() {
  if (running_ != nullptr) (void)stop();
}

template <class T>
T TestApp::run_while_time_passes(io::Task<T> task) {
  std::mutex mutex;
  std::condition_variable_any done;
  const std::jthread time([&](const std::stop_token& ended) {
    std::unique_lock lock(mutex);
    const auto wait = [&](Duration most) { return done.wait_for(lock, ended, most, [] { return false; }); };
    wait(50ms);
    while (!ended.stop_requested()) {
      if (options_.virtual_clock) clock_.advance(10ms);
      wait(1ms);
    }
  });
  return runtime_.block_on(std::move(task));
}

Result<void> TestApp::start() {
  if (auto configured = app_.configure_text(options_.configuration, options_.name + ".yaml"); !configured) return configured;
  auto started = run_while_time_passes(app_.start());
  if (!started) return forward_error(started);
  running_ = std::move(*started);
  return {};
}

Result<void> TestApp::stop() {
  const auto stopped = run_while_time_passes(running_->stop());
  running_ = nullptr;
  return stopped;
}

std::string TestApp::url(std::string_view protocol) const { return fmt::format("{}://127.0.0.1:{}", protocol, port()); }

void TestApp::advance(Duration by) {
  clock_.advance(by);
  // The first turn after this one expires what is due; the second has begun when this has run.
  for (int turn = 0; turn < 2; ++turn) {
    runtime_.block_on([]() -> io::Task<void> { co_await io::yield(); }());
  }
}

bool TestApp::eventually(const std::function<bool()>& holds, Duration step) {
  const auto last = SystemClock::instance().now_monotonic() + options_.patience;
  for (;;) {
    if (runtime_.block_on([](const std::function<bool()>& looked) -> io::Task<bool> { co_return looked(); }(holds))) return true;
    if (SystemClock::instance().now_monotonic() > last) return false;
    if (step > Duration::zero()) advance(step);
    std::this_thread::sleep_for(1ms);
  }
}

std::shared_ptr<void> TestApp::find(const InterfaceId& interface, std::string_view unique_id) const {
  const Lifecycle& life = running_->lifecycle();
  for (size_t i = 0; i < life.components().size(); ++i) {
    const auto& offers = life.components()[i].offers;
    for (size_t j = 0; j < offers.size(); ++j) {
      if (offers[j].interface == interface && offers[j].unique_id == unique_id) return life.offered({i, j});
    }
  }
  return nullptr;
}

}  // namespace sofa::boot
