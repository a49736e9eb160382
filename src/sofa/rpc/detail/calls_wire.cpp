#include "sofa/rpc/detail/calls_wire.h"

#include <algorithm>

#include "sofa/base/protobuf_fields.h"

namespace sofa::rpc::detail {

namespace {

uint64_t nanoseconds(Duration time) { return static_cast<uint64_t>(std::max<int64_t>(time.count(), 0)); }

std::string_view status_name(size_t status) { return status == 0 ? "ok" : to_string(static_cast<Code>(status)); }

/// The value of field 1, the only one of a request; 0 when it is absent.
Result<uint64_t> read_number(ByteSpan message, std::string_view what) {
  uint64_t number = 0;
  ProtobufFields fields(message);
  while (const auto field = fields.next_of_any_kind()) {
    if (field->number == 1 && field->is_number) number = field->value;
  }
  if (fields.is_broken()) return fail(Code::invalid_argument, "{} bytes are no {}", message.size(), what);
  return number;
}

void write_key(ProtobufWriter& to, const MethodKey& key) {
  to.text(1, to_string(key.side));
  to.text(2, to_string(key.protocol));
  to.text(3, key.service);
  to.text(4, key.method);
}

void write_stages(ProtobufWriter& to, uint32_t number, const StageTimes& stages, const StageTimes& before) {
  for (size_t i = 0; i < kStages; ++i) {
    if (stages[i] == before[i]) continue;
    to.message(number, [&](ProtobufWriter& stage) {
      stage.text(1, to_string(static_cast<Stage>(i)));
      stage.number(2, nanoseconds(stages[i] - before[i]));
    });
  }
}

void write_method(ProtobufWriter& to, const MethodSnapshot& now, const MethodSnapshot& before) {
  const HistogramSnapshot latency = now.latency.since(before.latency);
  write_key(to, now.key);
  to.number(5, now.running);
  to.number(6, now.calls());
  to.number(7, now.errors());
  to.number(8, latency.count());
  to.number(9, now.errors() - before.errors());
  to.number(10, latency.percentile(0.5));
  to.number(11, latency.percentile(0.99));
  to.number(12, latency.max());
  write_stages(to, 13, now.stages, before.stages);
  for (size_t i = 0; i < now.statuses.size(); ++i) {
    if (now.statuses[i] == 0) continue;
    to.message(14, [&](ProtobufWriter& status) {
      status.text(1, status_name(i));
      status.number(2, now.statuses[i]);
    });
  }
  for (const CallerCalls& caller : now.callers) {
    if (caller.calls == 0) continue;
    to.message(15, [&](ProtobufWriter& written) {
      written.text(1, caller.app);
      written.number(2, caller.calls);
      written.number(3, caller.errors);
      written.number(4, nanoseconds(caller.time));
    });
  }
}

void write_slow_call(ProtobufWriter& to, const MethodKey& key, const SlowCall& call, Instant now) {
  write_key(to, key);
  to.text(5, call.app);
  to.text(6, status_name(call.status));
  to.number(7, nanoseconds(now - call.begun));
  to.number(8, nanoseconds(call.took));
  write_stages(to, 9, call.stages, {});
}

}  // namespace

Result<Duration> read_watch_request(ByteSpan message) {
  constexpr uint64_t kUsual = 1000, kLeast = 100, kMost = 3'600'000;
  auto milliseconds = read_number(message, "WatchRequest");
  if (!milliseconds) return forward_error(milliseconds);
  return std::chrono::milliseconds(*milliseconds == 0 ? kUsual : std::clamp(*milliseconds, kLeast, kMost));
}

Result<size_t> read_slowest_request(ByteSpan message) {
  constexpr size_t kUsual = 20;
  auto most = read_number(message, "SlowestRequest");
  if (!most) return forward_error(most);
  return *most == 0 ? kUsual : static_cast<size_t>(*most);
}

void write_snapshot(Buffer& out, const CallsSnapshot& now, const CallsSnapshot& before, Duration interval) {
  ProtobufWriter to(out);
  to.number(1, nanoseconds(interval));
  for (const MethodSnapshot& method : now.methods) {
    const auto known = std::ranges::lower_bound(before.methods, method.key, {}, &MethodSnapshot::key);
    const bool is_known = known != before.methods.end() && known->key == method.key;
    to.message(2, [&](ProtobufWriter& written) { write_method(written, method, is_known ? *known : MethodSnapshot()); });
  }
}

void write_slowest(Buffer& out, const CallsSnapshot& now, size_t most) {
  struct Slow {
    const MethodKey* key;
    const SlowCall* call;
  };
  std::vector<Slow> all;
  for (const MethodSnapshot& method : now.methods) {
    for (const SlowCall& call : method.slowest) all.push_back({&method.key, &call});
  }
  std::ranges::sort(all, std::greater(), [](const Slow& slow) { return slow.call->took; });
  if (all.size() > most) all.resize(most);
  ProtobufWriter to(out);
  for (const Slow& slow : all) {
    to.message(1, [&](ProtobufWriter& written) { write_slow_call(written, *slow.key, *slow.call, now.at); });
  }
}

}  // namespace sofa::rpc::detail
