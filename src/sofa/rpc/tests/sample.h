#pragma once
// A service with a bit of everything, and the server and client around it that the tests share.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/testing/recorded.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/server.h"
#include "sofa/wire/hessian/java_types.h"

namespace sofa::rpc::testing {

using namespace std::chrono_literals;
using Text = std::optional<std::string>;

struct Transfer {
  std::string id;
  int64_t cents = 0;
  static auto describe(Description<Transfer>& d) {
    d.java_type("bank.Transfer");
    d.field("id", &Transfer::id);
    d.field("cents", &Transfer::cents);
  }
};

struct Sample : Interface {
  static constexpr std::string_view kName = "sofa.interop.InteropService";
  Method<Text(Text)> echo{this, "echo"};
  Method<std::string(std::string)> hello{this, "hello"};
  Method<std::string(std::string, int32_t)> hello_times{this, "hello"};
  Method<int32_t(int32_t, int32_t)> add{this, "add"};
  Method<void()> ping{this, "ping"};
  Method<int32_t(Array<int32_t>)> sum{this, "sum"};
  Method<Array<Text>(Array<Text>)> echo_array{this, "echoArray"};
  Method<Graph<hessian::Value>(Graph<hessian::Value>)> echo_map{this, "echoMap", {.java_types = {"java.util.Map"}}};
  Method<Graph<hessian::Value>(Graph<hessian::Value>)> echo_node{this, "echoNode", {.java_types = {"sofa.interop.Node"}}};
  Method<hessian::LocalDateTime(hessian::LocalDateTime, int32_t)> plus_days{this, "plusDays"};
  Method<Text(Text)> baggage{this, "baggage"};
  Method<std::string(int64_t)> sleep{this, "sleep", {.timeout = 5s}};
  Method<Text(Text)> fail{this, "fail"};
  Method<Transfer(Transfer)> transfer{this, "transfer"};
  Method<void(Text, Text)> note{this, "note"};
};

/// What the service has seen.
struct Seen {
  std::atomic<int> echoes{0}, notes{0}, cancelled{0};
};

inline void fill_sample(Sample& sample, std::shared_ptr<Seen> seen, std::string prefix) {
  Sample* const s = &sample;
  s->echo = [seen, prefix](Text text) -> Text {
    ++seen->echoes;
    if (!prefix.empty()) return prefix + text.value_or("null");
    return text;
  };
  s->hello = [](std::string name) { return "hello " + name; };
  s->hello_times = [](std::string name, int32_t times) {
    std::string all;
    for (int32_t i = 0; i < times; ++i) all += (i > 0 ? ",hello " : "hello ") + name;
    return all;
  };
  s->add = [](int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); };  // wraps, as in Java
  s->ping = [] {};
  s->sum = [](Array<int32_t> v) {
    uint32_t sum = 0;
    for (const int32_t i : v.items) sum += static_cast<uint32_t>(i);
    return static_cast<int32_t>(sum);  // wraps, as in Java
  };
  s->echo_array = [](Array<Text> array) { return array; };
  s->echo_map = [](Graph<hessian::Value> map) { return map; };
  s->echo_node = [](Graph<hessian::Value> node) { return node; };
  s->plus_days = [](hessian::LocalDateTime t, int32_t days) {
    t.date = t.date.plus_days(days).value();
    return t;
  };
  s->baggage = [](Context& context, Text key) -> Text {
    const auto value = context.baggage(key.value_or(""));
    context.put_response_baggage("answer", fmt::format("got-{}", value.value_or("null")));
    return value ? Text(std::string(*value)) : Text();
  };
  s->sleep = [seen](int64_t ms) -> Task<Result<std::string>> {
    const auto slept = co_await io::sleep_for(std::chrono::milliseconds(ms));
    if (!slept) {
      ++seen->cancelled;
      co_return std::unexpected(slept.error());
    }
    co_return fmt::format("slept {}", ms);
  };
  s->fail = [](Text kind) -> Result<Text> {
    if (kind == "java") return fail_java("java.lang.IllegalArgumentException", "boom {}", 1);
    if (kind == "throw") throw std::out_of_range("thrown by the service");
    return sofa::fail(Code::not_found, "account {} is unknown", kind.value_or("null"));
  };
  s->transfer = [](Transfer t) { return Transfer{t.id + "!", t.cents + 1}; };
  s->note = [seen](Text, Text) { ++seen->notes; };
}

inline std::shared_ptr<Sample> make_sample(std::shared_ptr<Seen> seen = std::make_shared<Seen>(), std::string prefix = {}) {
  auto s = std::make_shared<Sample>();
  fill_sample(*s, std::move(seen), std::move(prefix));
  return s;
}

inline std::string at(const std::unique_ptr<RunningServer>& server) { return "bolt://" + server->address().to_string(); }

/// Runs the test's body as a task on the first shard; its error fails the test.
inline void run_test(Task<Result<void>> body, unsigned shards = 1) {
  io::Runtime runtime({.shards = shards, .hold_limit = Duration::zero()});
  const auto done = runtime.block_on(std::move(body));
  EXPECT_TRUE(done) << (done ? "" : done.error().to_string());
}

/// Waits for a condition; false after 10 s.
template <class F>
Task<bool> eventually(F condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) {
    if (!co_await io::sleep_for(5ms)) break;
  }
  co_return condition();
}

/// A server with the sample service and a client of it.
struct Fixture {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  std::unique_ptr<RunningServer> server;
  std::shared_ptr<Sample> client;

  Task<Result<void>> open(ServerOptions options = {}, ClientOptions client_options = {}) {
    options.port = 0;
    server = co_await or_return(Server(options).add(make_sample(seen), {.thread_safe = true}).start());
    client = co_await or_return(connect<Sample>(at(server), client_options));
    co_return Result<void>();
  }
  Task<Result<void>> close() {
    client.reset();
    co_return co_await server->stop();
  }
};

using Exchange = RecordedText;
inline std::vector<Exchange> recorded_exchanges() { return read_recorded_text("../../wire/bolt/tests/vectors/exchanges.jsonl"); }

inline Bytes bytes_of_hex(std::string_view hex) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes));
  return Bytes::copy_of(ByteSpan(bytes));
}

}  // namespace sofa::rpc::testing
