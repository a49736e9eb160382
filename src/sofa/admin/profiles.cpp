#include "sofa/admin/profiles.h"

#include <malloc.h>

#include <map>
#include <mutex>
#include <stop_token>

#include "sofa/admin/detail/cpu_sampler.h"
#include "sofa/admin/detail/symbols.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/base/text.h"
#include "sofa/base/unix_time.h"
#include "sofa/grpc/framing.h"
#include "sofa/http/query.h"
#include "sofa/io/runtime.h"

namespace sofa::admin {

namespace {

using namespace std::chrono_literals;

constexpr int64_t kLongest = 60;  // seconds

/// Gives each function a number, in the order of their coming.
class Functions {
 public:
  explicit Functions(std::vector<std::string>& names) : names_(names) {}
  int64_t number_of(const std::string& name) {
    const auto [at, fresh] = numbers_.try_emplace(name, static_cast<int64_t>(names_.size()));
    if (fresh) names_.push_back(name);
    return at->second;
  }

 private:
  std::vector<std::string>& names_;
  std::map<std::string, int64_t> numbers_;
};

int64_t now_ms() { return unix_ms(SystemClock::instance().now_wall()); }

/// Stacks of the same functions become one.
void add_stacks(const detail::Samples& samples, Profile& to) {
  const detail::Symbols symbols;
  Functions functions(to.functions);
  std::map<uintptr_t, int64_t> by_address;
  std::map<std::vector<int64_t>, int64_t> counts;
  for (const detail::StackSample& sample : samples.taken) {
    std::vector<int64_t> frames;
    if (sample.task != nullptr) frames.push_back(functions.number_of(fmt::format("[task {}]", sample.task)));
    for (uint32_t i = sample.depth; i-- > 0;) {
      const uintptr_t address = sample.addresses[i] - (i == 0 ? 0 : 1);  // a return address is behind the call
      const auto [at, fresh] = by_address.try_emplace(address);
      if (fresh) at->second = functions.number_of(symbols.name_of(address));
      frames.push_back(at->second);
    }
    if (!frames.empty()) ++counts[frames];
  }
  for (auto& [frames, count] : counts) to.stacks.push_back({.frames = frames, .count = count});
}

/// What ends the profile that runs.
class RunningProfile {
 public:
  RunningProfile() {
    const std::lock_guard lock(mutex());
    all().push_back(&source_);
  }
  ~RunningProfile() {
    source_.request_stop();
    const std::lock_guard lock(mutex());
    std::erase(all(), &source_);
  }
  RunningProfile(const RunningProfile&) = delete;
  RunningProfile& operator=(const RunningProfile&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  static void end_all() {
    const std::lock_guard lock(mutex());
    for (std::stop_source* one : all()) one->request_stop();
  }

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  static std::vector<std::stop_source*>& all() {  // the one that runs, and those that are about to be refused
    static std::vector<std::stop_source*> list;
    return list;
  }
  std::stop_source source_;
};

Result<Profile> take_cpu_profile(const CpuProfileOptions& options, std::stop_token stop) {
  const auto begun = std::chrono::steady_clock::now();
  Profile profile{.kind = "cpu", .unit = "samples", .period_us = 1'000'000 / static_cast<int64_t>(options.hertz), .at_ms = now_ms()};
  auto samples = detail::sample_cpu(options.length, options.hertz, std::move(stop));
  if (!samples) return forward_error(samples);
  profile.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  profile.lost = static_cast<int64_t>(samples->lost);
  add_stacks(*samples, profile);
  return profile;
}

struct ProfileQuery {
  std::string process{};
  int64_t seconds = 5;
  int64_t hertz = 99;
  static void describe(Description<ProfileQuery>& d) {
    d.doc("How to take a profile.");
    d.field("process", &ProfileQuery::process).doc("is said again in the profile");
    d.field("seconds", &ProfileQuery::seconds).doc("how long").range(1, kLongest);
    d.field("hertz", &ProfileQuery::hertz).doc("samples of each busy thread a second").range(1, 1'000);
  }
};

struct ShardInfo {
  uint32_t index = 0;
  std::string running{};
  uint64_t steps = 0;
  uint64_t timers = 0;
  static void describe(Description<ShardInfo>& d) {
    d.java_type("sofa.ShardInfo").doc("A thread with its event loop.");
    d.field("index", &ShardInfo::index);
    d.field("running", &ShardInfo::running).doc("the task that ran when it was asked; empty: it waited");
    d.field("steps", &ShardInfo::steps).doc("tasks resumed and callbacks called since its start, begins and ends counted");
    d.field("timers", &ShardInfo::timers).doc("that are set");
  }
};

io::Task<Result<std::vector<ShardInfo>>> shards() {
  io::Runtime& runtime = io::Shard::current().runtime();
  std::vector<ShardInfo> all;
  for (unsigned i = 0; i < runtime.shard_count(); ++i) {
    io::Shard& shard = runtime.shard(i);
    const char* const running = (shard.steps() % 2) == 0 ? nullptr : shard.running();
    ShardInfo info{.index = i, .running = running == nullptr || shard.is_current() ? "" : running, .steps = shard.steps()};
    info.timers = co_await io::or_return(co_await io::on(shard, [&shard]() -> io::Task<Result<uint64_t>> { co_return shard.pending_timers(); }));
    all.push_back(std::move(info));
  }
  co_return all;
}

/// A number of the query, between 1 and `most`.
Result<int64_t> number_in(std::string_view query, std::string_view name, int64_t otherwise, int64_t most) {
  auto values = http::parse_query(query);
  if (!values) return forward_error(values);
  for (const auto& [own, value] : *values) {
    if (own != name) continue;
    const auto number = whole_number<int64_t>(value);
    if (number && *number >= 1 && *number <= most) return *number;
    return fail(Code::invalid_argument, "{} is '{}'; it takes a number from 1 to {}", name, value, most);
  }
  return otherwise;
}

io::Task<Result<Profile>> profile_of(http::Exchange& exchange) {
  const std::string_view query = exchange.request().query();
  const int64_t seconds = co_await io::or_return(number_in(query, "seconds", 5, kLongest));
  const int64_t hertz = co_await io::or_return(number_in(query, "hertz", 99, 1'000));
  co_return co_await cpu_profile({.length = std::chrono::seconds(seconds), .hertz = static_cast<unsigned>(hertz)});
}

io::Task<Result<void>> answer_pprof(http::Exchange& exchange) {
  auto profile = co_await profile_of(exchange);
  if (!profile) co_return rest::answer_error(exchange, profile.error());
  auto bytes = pprof(*profile);
  if (!bytes) co_return rest::answer_error(exchange, bytes.error());
  co_return http::respond(exchange, 200, "application/octet-stream", std::move(*bytes),
                          {{"content-disposition", "attachment; filename=\"cpu.pb.gz\""}});
}

io::Task<Result<void>> answer_folded(http::Exchange& exchange) {
  auto profile = co_await profile_of(exchange);
  if (!profile) co_return rest::answer_error(exchange, profile.error());
  co_return http::respond(exchange, 200, "text/plain; charset=utf-8", Bytes::copy_of(folded(*profile)));
}

}  // namespace

void ProfileStack::describe(Description<ProfileStack>& d) {
  d.java_type("sofa.ProfileStack").doc("Samples of one stack.");
  d.field("frames", &ProfileStack::frames).doc("indexes of functions, outermost first");
  d.field("count", &ProfileStack::count);
}

void Profile::describe(Description<Profile>& d) {
  d.java_type("sofa.Profile").doc("Sampled stacks.");
  d.field("process", &Profile::process);
  d.field("kind", &Profile::kind).doc("cpu or heap");
  d.field("unit", &Profile::unit).doc("samples or bytes");
  d.field("period_us", &Profile::period_us).doc("CPU time between two samples of a thread").unit("us");
  d.field("seconds", &Profile::seconds);
  d.field("at_ms", &Profile::at_ms).unit("ms since 1970");
  d.field("lost", &Profile::lost).doc("samples that there was no room for");
  d.field("functions", &Profile::functions);
  d.field("stacks", &Profile::stacks);
}

io::Task<Result<Profile>> cpu_profile(CpuProfileOptions options) {
  if (options.length <= Duration::zero() || options.length > std::chrono::seconds(kLongest) || options.hertz < 1 || options.hertz > 1'000) {
    co_return fail(Code::invalid_argument, "a CPU profile takes up to {} s and 1 to 1000 samples a second", kLongest);
  }
  const RunningProfile running;  // its end, also by cancellation, ends the sampling
  co_return co_await io::run_blocking(
      io::Shard::current().runtime().blocking_pool(), [options, stop = running.token()] { return take_cpu_profile(options, stop); },
      io::WhenCancelled::leave);
}

void end_cpu_profile() { RunningProfile::end_all(); }

Profile heap_profile() {
  const struct mallinfo2 facts = ::mallinfo2();
  Profile profile{.kind = "heap", .unit = "bytes", .at_ms = now_ms()};
  Functions functions(profile.functions);
  const auto add = [&](std::string_view what, size_t bytes) {
    profile.stacks.push_back(
        {.frames = {functions.number_of("[allocator]"), functions.number_of(std::string(what))}, .count = static_cast<int64_t>(bytes)});
  };
  add("[in use]", facts.uordblks);
  add("[free, kept for later]", facts.fordblks);
  add("[in use, large blocks of their own]", facts.hblkhd);
  return profile;
}

std::string folded(const Profile& profile) {
  std::string out;
  for (const ProfileStack& stack : profile.stacks) {
    for (const int64_t frame : stack.frames) {
      std::string name = profile.functions.at(static_cast<size_t>(frame));
      std::ranges::replace(name, ';', ':');
      out += name + ";";
    }
    out.back() = ' ';
    fmt::format_to(std::back_inserter(out), "{}\n", stack.count);
  }
  return out;
}

// perftools.profiles.Profile: sample_type 1, sample 2, mapping 3, location 4, function 5, string_table 6, time_nanos 9, duration_nanos 10,
// period_type 11, period 12. Numbers of functions and locations begin at 1.
Result<Bytes> pprof(const Profile& profile) {
  std::vector<std::string> texts;
  Functions strings(texts);
  (void)strings.number_of("");  // the first one, as the format wants it
  Buffer out;
  ProtobufWriter to(out);
  const auto type = [&](std::string_view name, std::string_view unit) {
    return [&strings, name = std::string(name), unit = std::string(unit)](ProtobufWriter& one) {
      one.number(1, static_cast<uint64_t>(strings.number_of(name)));
      one.number(2, static_cast<uint64_t>(strings.number_of(unit)));
    };
  };
  const bool cpu = profile.kind == "cpu";
  const auto nanoseconds = static_cast<uint64_t>(profile.period_us) * 1'000;
  if (cpu) to.message(1, type("samples", "count"));
  to.message(1, cpu ? type("cpu", "nanoseconds") : type("inuse_space", "bytes"));
  for (const ProfileStack& stack : profile.stacks) {
    to.message(2, [&](ProtobufWriter& sample) {
      for (size_t i = stack.frames.size(); i-- > 0;) sample.present_number(1, static_cast<uint64_t>(stack.frames[i]) + 1);  // innermost first
      sample.present_number(2, static_cast<uint64_t>(stack.count));
      if (cpu) sample.present_number(2, static_cast<uint64_t>(stack.count) * nanoseconds);
    });
  }
  for (size_t i = 0; i < profile.functions.size(); ++i) {
    to.message(4, [&](ProtobufWriter& location) {
      location.number(1, i + 1);
      location.message(4, [&](ProtobufWriter& line) { line.number(1, i + 1); });
    });
    to.message(5, [&](ProtobufWriter& function) {
      function.number(1, i + 1);
      function.number(2, static_cast<uint64_t>(strings.number_of(profile.functions[i])));
    });
  }
  to.number(9, static_cast<uint64_t>(profile.at_ms) * 1'000'000);
  to.number(10, static_cast<uint64_t>(profile.seconds * 1e9));
  to.message(11, cpu ? type("cpu", "nanoseconds") : type("space", "bytes"));
  to.number(12, cpu ? nanoseconds : 1);
  for (const std::string& text : texts) to.bytes(6, as_bytes(text));
  return grpc::compress(out.span());
}

void ProfilesPart::add_to(Routes& routes) {
  routes
      .get("GetCpu", "/v1/profiles/cpu", "profiles:read",
           [](ProfileQuery query) -> io::Task<Result<Profile>> {
             auto profile = co_await cpu_profile({.length = std::chrono::seconds(query.seconds), .hertz = static_cast<unsigned>(query.hertz)});
             if (profile) profile->process = query.process;
             co_return profile;
           })
      .doc("Samples where the processors are, for so long.");
  routes
      .get("GetHeap", "/v1/profiles/heap", "profiles:read",
           [](ProfileQuery query) {
             Profile profile = heap_profile();
             profile.process = query.process;
             return profile;
           })
      .doc("What the allocator has taken, and what of it is in use.");
  routes.get("GetShards", "/v1/shards", "profiles:read", [] { return shards(); }).doc("The shards, and what runs on each.");
}

void add_profile_pages(AdminServer& server) {
  server.add_raw("GET", "/debug/pprof/profile", "profiles:read",
                 [](http::Exchange& exchange, http::Body&, const Caller&) { return answer_pprof(exchange); });
  server.add_raw("GET", "/debug/pprof/folded", "profiles:read",
                 [](http::Exchange& exchange, http::Body&, const Caller&) { return answer_folded(exchange); });
}

}  // namespace sofa::admin
