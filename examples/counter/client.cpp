// Asks the group that keeps the counter: adds to it, or reads it.
//
//   counter-client --peers 127.0.0.1:8701,127.0.0.1:8702,127.0.0.1:8703 --add 5 --times 3
//   counter-client --peers 127.0.0.1:8701,127.0.0.1:8702,127.0.0.1:8703
#include "sofa/state/raft/client.h"
#include "counter.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"

namespace {

using namespace sofa;
using io::or_return;

struct Options {
  std::string peers;
  std::optional<int64_t> add;
  int64_t times = 1;
  int64_t timeout_ms = 10'000;
  static auto describe(Description<Options>& d) {
    d.field("peers", &Options::peers).doc("members of the group, IP:PORT with commas between").required();
    d.field("add", &Options::add).doc("added to the counter; without it the counter is read");
    d.field("times", &Options::times).range(1, 1'000'000).doc("so often");
    d.field("timeout_ms", &Options::timeout_ms).range(1, 600'000).unit("ms").doc("of each call, all tries together");
  }
};

// region: client
io::Task<Result<void>> ask(const Options& options, raft::Client& client) {
  for (int64_t i = 0; i < options.times; ++i) {
    const Bytes value = options.add ? co_await or_return(client.apply(counter::encode(*options.add)))  // replicated, then applied
                                    : co_await or_return(client.ask({}));                              // all that was acknowledged before is in it
    std::printf("%s\n", std::string(value.text()).c_str());
    std::fflush(stdout);
  }
  co_return Result<void>();
}

io::Task<Result<void>> run(const Options& options) {
  auto members = co_await or_return(jraft::read_members(options.peers));
  raft::Client client("counter", std::move(members), {.timeout = std::chrono::milliseconds(options.timeout_ms), .exactly_once = true});
  auto done = co_await ask(options, client);
  co_await client.close();
  co_return done;
}
// endregion

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options, {.about = "Adds to a counter that a group of nodes keeps, or reads it."});
  if (const auto code = exit_code_of(flags)) return *code;
  return io::run(run(options), {.shards = 1});
}
