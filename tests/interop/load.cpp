#include "load.h"

#include <cstdio>
#include <functional>
#include <map>

#include "interop.sofa.h"
#include "sofa/base/json.h"
#include "sofa/io/task_group.h"
#include "sofa/load/load.h"
#include "sofa/transport/status.h"

namespace interop {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using sofa::Error;
using sofa::rpc::or_return;
using sofa::rpc::Task;

constexpr auto kTimeout = 2s;
constexpr auto kGrace = 3s;    // for a busy machine
constexpr auto kPause = 20ms;  // after a failed call
constexpr auto kWarmUp = 60s;  // a JVM may need long for its first answers
constexpr uint32_t kLargeEach = 16;
constexpr size_t kLarge = 100'000;
constexpr std::string_view kWrong = "wrong answer";  // counted apart from what fails while a server is away

/// What the run prints at its end.
struct Report {
  uint64_t calls = 0, ok = 0, wrong = 0;
  std::map<std::string, uint64_t> errors;
  uint32_t outages = 0;                    // times that calls began to fail
  double longest_outage_seconds = 0;       // from the first failed call to the first success after it
  double first_success_after_outage = -1;  // second of the run, of the last outage; -1: there was none
  double slowest_ms = 0;
  uint64_t ok_in_last_second = 0;

  static auto describe(sofa::Description<Report>& d) {
    d.field("calls", &Report::calls);
    d.field("ok", &Report::ok);
    d.field("wrong", &Report::wrong);
    d.field("errors", &Report::errors);
    d.field("outages", &Report::outages);
    d.field("longest_outage_seconds", &Report::longest_outage_seconds);
    d.field("first_success_after_outage", &Report::first_success_after_outage);
    d.field("slowest_ms", &Report::slowest_ms);
    d.field("ok_in_last_second", &Report::ok_in_last_second);
  }
};

std::string kind_of(const Error& error) {
  const auto* transport = error.detail<sofa::transport::TransportStatus>();
  if (error.code() == sofa::Code::data_loss) return std::string(kWrong);
  if (transport == nullptr) return fmt::format("other: {}", error);
  switch (transport->status) {
    case sofa::bolt::Status::timeout:
      return "timeout";
    case sofa::bolt::Status::connection_closed:
      return "connection-closed";
    case sofa::bolt::Status::comm_error:  // no connection could be made
      return "refused";
    default:
      return std::string(to_string(transport->status));
  }
}

/// A call of one caller with arguments that no other call has; whether the answer was theirs.
using Call = std::function<Task<Result<bool>>(uint32_t caller, uint32_t number)>;

Task<Result<bool>> call_service(const InteropService& service, uint32_t caller, uint32_t number) {
  if (number % 4 == 1) {
    const auto a = static_cast<int32_t>(caller * 1'000'000 + number);
    const int32_t sum = co_await or_return(service.add(a, 1));
    co_return sum == a + 1;
  }
  if (number % 4 == 3) {
    const Graph<User> user = co_await or_return(service.get_user(number));
    co_return user && user->id == number && user->name == fmt::format("user-{}", number);
  }
  std::string text = fmt::format("caller {} call {}", caller, number);
  if (number % kLargeEach == 0) text += letters(kLarge);
  const Text back = co_await or_return(service.echo(text));
  co_return back == text;
}

/// Each second call stays with the server for a while, so that some are there when it stops.
Task<Result<bool>> call_grpc(const sofa::interop::pb::Interop& service, uint32_t caller, uint32_t number) {
  sofa::interop::pb::EchoRequest request;
  request.set_text(fmt::format("caller {} call {}", caller, number));
  request.set_sleep_ms(number % 2 == 0 ? 10 : 0);
  if (number % kLargeEach == 0) request.set_blob(letters(kLarge));
  const auto back = co_await or_return(service.echo(request));
  co_return back.text() == request.text() && back.blob() == request.blob();
}

class Load {
 public:
  Load(Call call, LoadOptions options)
      : call_(std::move(call)),
        options_(options),
        numbers_(options.callers),
        load_({.callers = options.callers, .kind_of = kind_of}, [this](uint32_t caller) { return timed(caller); }) {}

  Task<bool> run() {
    if (auto warm = co_await warm_up(); !warm) {
      fmt::print("FAIL warm-up: {}\n", warm.error());
      co_return false;
    }
    begun_ = Clock::now();
    sofa::io::TaskGroup callers(co_await sofa::io::current_scope());
    callers.spawn("callers", load_.run(std::chrono::seconds(options_.seconds)));
    for (uint32_t second = 1; second <= options_.seconds; ++second) {
      if (!co_await sofa::io::sleep_for(begun_ + std::chrono::seconds(second) - Clock::now())) co_return false;
      say(fmt::format("second {} ok={} errors={}", second, ok_in_[second - 1], load_.report().failed()));
    }
    const auto joined = co_await callers.join();
    co_return joined.has_value() && finish();
  }

 private:
  static void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }

  Task<Result<void>> warm_up() {
    const auto deadline = Clock::now() + kWarmUp;
    for (int good = 0; good < 200;) {
      auto got = co_await call_(0, 0);
      if (got) {
        ++good;
      } else if (Clock::now() > deadline) {
        co_return forward_error(got);
      } else {
        co_await or_return(sofa::io::sleep_for(kPause));
      }
    }
    co_return Result<void>();
  }

  /// The caller's next call; it rests after one that failed.
  Task<Result<void>> timed(uint32_t caller) {
    const double begun = seconds();
    auto right = co_await call_(caller, numbers_[caller]++);
    report_.slowest_ms = std::max(report_.slowest_ms, (seconds() - begun) * 1000);
    if (!right) {
      failed(right.error());
      co_await or_return(sofa::io::sleep_for(kPause));
      co_return forward_error(right);
    }
    succeeded();
    if (!*right) co_return fail(sofa::Code::data_loss, "an answer is not that of its call");
    co_return Result<void>();
  }

  void succeeded() {
    ++ok_in_[static_cast<size_t>(seconds())];
    if (!away_) return;
    away_ = false;
    const double now = seconds();
    report_.first_success_after_outage = now;
    report_.longest_outage_seconds = std::max(report_.longest_outage_seconds, now - away_since_);
    say(fmt::format("back after {:.3f} s", now - away_since_));
  }

  void failed(const Error& error) {
    if (away_) return;
    away_ = true;
    away_since_ = seconds();
    ++report_.outages;
    say(fmt::format("away after {:.3f} s: {}", away_since_, error));
  }

  bool finish() {
    const auto counted = load_.report();
    report_.errors = counted.errors;
    if (const auto wrong = report_.errors.extract(std::string(kWrong))) report_.wrong = wrong.mapped();
    report_.ok = counted.latency.count();
    report_.calls = report_.ok + counted.failed();
    report_.ok_in_last_second = ok_in_[options_.seconds - 1];
    const auto text = sofa::to_json(report_);
    say(text ? *text : text.error().to_string());
    const double most_ms = std::chrono::duration<double, std::milli>(kTimeout + kGrace).count();
    return report_.wrong == 0 && report_.ok_in_last_second > 0 && report_.slowest_ms < most_ms;
  }

  Call call_;
  LoadOptions options_;
  std::vector<uint32_t> numbers_;  // of each caller's next call
  sofa::load::Load load_;
  Clock::time_point begun_;
  Report report_;
  std::map<size_t, uint64_t> ok_in_;  // by second of the run
  bool away_ = false;
  double away_since_ = 0;
};

template <class Service, auto kCall>
Task<Result<Call>> connect_to(std::string target, rpc::ClientOptions options) {
  auto service = co_await or_return(rpc::connect<Service>(std::move(target), std::move(options)));
  co_return Call([service](uint32_t caller, uint32_t number) { return kCall(*service, caller, number); });
}

}  // namespace

Task<bool> run_load(std::string target, LoadOptions options) {
  const rpc::ClientOptions client{
      .app = "interop-load", .timeout = kTimeout, .retries = static_cast<int>(options.retries), .connections = options.connections};
  auto call = co_await (target.starts_with("grpc://")    ? connect_to<sofa::interop::pb::Interop, call_grpc>(target, client)
                        : target.starts_with("dubbo://") ? connect_to<DubboInteropService, call_service>(target, client)
                                                         : connect_to<InteropService, call_service>(target, client));
  if (!call) {
    fmt::print("FAIL connect: {}\n", call.error());
    co_return false;
  }
  Load load(std::move(*call), options);
  co_return co_await load.run();
}

}  // namespace interop
