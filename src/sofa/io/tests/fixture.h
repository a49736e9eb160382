#pragma once
// What the tests of the module share: a runtime, and sockets on loopback.

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <string>

#include "sofa/base/random.h"
#include "sofa/io/channel.h"
#include "sofa/io/dns.h"
#include "sofa/io/listener.h"
#include "sofa/io/report.h"
#include "sofa/io/runtime.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"

namespace sofa::io {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Body = Task<Result<void>>;

inline constexpr Result<void> kOk{};

/// Runs a lambda coroutine on shard 0 within 20 s and expects success. The lambda lives until the task has ended.
template <class F>
void run_ok(Runtime& runtime, F&& body) {
  auto bounded = [&]() -> Body { co_return co_await with_timeout(seconds(20), body()); };
  auto result = runtime.block_on(bounded());
  EXPECT_TRUE(result) << result.error().to_string();
}

struct Pair {
  Stream client;
  Stream server;
};

inline Task<Result<Pair>> connected_pair(Address address, StreamOptions options = {}) {
  Listener listener = co_await or_return(Listener::bind(address, {.option_name = "--port", .stream = options}));
  ConnectOptions connect;
  connect.stream = options;
  Stream client = co_await or_return(Stream::connect(listener.local(), connect));
  Stream server = co_await or_return(listener.accept());
  co_return Pair{std::move(client), std::move(server)};
}

inline Address loopback() { return Address::of("127.0.0.1", 0); }
inline Address temporary_path() {
  static std::atomic<int> count{0};
  return Address::unix_path(fmt::format("/tmp/sofa-io-test-{}-{}.sock", ::getpid(), ++count));
}

/// An address that leaves a connect without an answer: a listener whose backlog is full.
struct Unanswering {
  Listener listener;
  std::vector<Stream> held;
  Address address() const { return listener.local(); }
};

inline Task<Result<Unanswering>> unanswering() {
  ListenOptions options;
  options.backlog = 0;
  Unanswering made{co_await or_return(Listener::bind(loopback(), options)), {}};
  ConnectOptions connect;
  connect.timeout = milliseconds(50);
  for (int i = 0; i < 20; ++i) {
    auto stream = co_await Stream::connect(made.address(), connect);
    if (!stream && stream.error().code() == Code::deadline_exceeded) co_return made;
    made.held.push_back(co_await or_return(std::move(stream)));
  }
  co_return fail(Code::internal, "every connect was answered");
}

/// Reads until `n` bytes are there or the stream ends.
inline Task<Result<std::string>> read_text(Stream& stream, size_t n) {
  Buffer in;
  while (in.size() < n) {
    if (co_await or_return(stream.read_some(in)) == 0) break;
  }
  co_return std::string(as_text(in.span()));
}

/// Sends the numbers 0 to 255 over and over, a write a chunk, while at most `low_water` bytes wait; then the end.
inline Task<Result<void>> send_numbers(Stream& stream, size_t total, size_t chunk, size_t low_water = 256 << 10) {
  uint8_t next = 0;
  for (size_t sent = 0; sent < total;) {
    const size_t size = std::min(chunk, total - sent);
    Buffer out(size);
    for (size_t i = 0; i < size; ++i) out.append_u8(next++);
    co_await or_return(stream.write(out.take()));
    co_await or_return(stream.drained(low_water));
    sent += size;
  }
  stream.shutdown_write();
  co_return kOk;
}

/// Reads to the end what send_numbers sends, and expects it in order: how many bytes came.
inline Task<Result<size_t>> receive_numbers(Stream& stream) {
  Buffer in;
  uint8_t expected = 0;
  size_t received = 0;
  size_t wrong = 0;
  while (size_t n = co_await or_return(stream.read_some(in))) {
    for (uint8_t byte : in.span()) wrong += byte != expected++;
    received += n;
    in.clear();
  }
  EXPECT_EQ(wrong, 0U);
  co_return received;
}

/// Reads to the end in small pieces, so that the socket is never known to be drained: how many turns another task got meanwhile.
inline Task<Result<size_t>> turns_beside_reading(Stream& stream) {
  size_t turns = 0;
  bool done = false;
  TaskGroup group(co_await current_scope());
  group.spawn("counter", [](size_t& count, bool& stop) -> Task<void> {
    while (!stop) {
      ++count;
      co_await yield();
    }
  }(turns, done));
  Buffer in;
  while (co_await or_return(stream.read_some(in, 1024)) > 0) in.clear();
  done = true;
  co_await or_return(co_await group.join());
  co_return turns;
}

/// Waits until `condition` holds; an error after 10 s.
template <class F>
Task<Result<void>> eventually(F condition) {
  const Deadline deadline = deadline_after(Shard::current().clock().now_monotonic(), seconds(10));
  while (!condition()) {
    if (Shard::current().clock().now_monotonic() > deadline) co_return fail(Code::deadline_exceeded, "the condition did not come true");
    co_await or_return(sleep_for(milliseconds(1)));
  }
  co_return Result<void>{};
}

/// Collects what the module reports while it lives.
class Reports {
 public:
  Reports() {
    set_report_sink([this](std::string_view line) {
      std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
    });
  }
  ~Reports() { set_report_sink(nullptr); }
  bool contain(std::string_view part) const {
    std::lock_guard lock(mutex_);
    return std::ranges::any_of(lines_, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return lines_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace sofa::io
