#include "sofa/rpc/live_providers.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include "sofa/base/log.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/dns.h"
#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {

namespace {

using List = std::vector<Provider>;
/// Gives the list of this moment.
using Source = std::function<io::Task<Result<List>>()>;

class LiveProviders final : public Providers {
 public:
  LiveProviders(std::string source, Source read, List first, Duration each) : shard_(io::Shard::current()), core_(std::make_shared<Core>()) {
    core_->name = std::move(source);
    core_->read = std::move(read);
    core_->list = std::make_shared<const List>(std::move(first));
    core_->tasks.spawn("rpc providers", watch(*core_, each));
  }
  /// On any thread.
  ~LiveProviders() override {
    shard_.post([core = std::move(core_)]() mutable { close(std::move(core)); });
  }
  ProviderList current() const override { return core_->list; }
  std::string_view source() const override { return core_->name; }

 private:
  /// Lives until its task has ended.
  struct Core {
    std::string name;
    Source read;
    ProviderList list;
    std::string trouble;  // of the last time, so that it is logged once
    io::TaskGroup tasks;
  };
  static io::Task<void> watch(Core& core, Duration each) {
    while (co_await io::sleep_for(each)) take(core, co_await core.read());
  }
  static void take(Core& core, Result<List> read) {
    static const Logger log{"rpc"};
    std::string trouble = read ? std::string() : read.error().to_string();
    if (!trouble.empty() && trouble != core.trouble) log.warn("the list of providers stays as it is", {{"source", core.name}, {"error", trouble}});
    core.trouble = std::move(trouble);
    if (!read || *read == *core.list) return;
    log.info("the list of providers changes", {{"source", core.name}, {"providers", read->size()}});
    core.list = std::make_shared<const List>(std::move(*read));
  }
  static io::detail::Root close(std::shared_ptr<Core> core) {
    core->tasks.cancel("nobody needs the list any more");
    [[maybe_unused]] const auto joined = co_await core->tasks.join();
  }

  io::Shard& shard_;
  std::shared_ptr<Core> core_;
};

/// `again`: there is a list already, which a file without a byte leaves as it is: so looks one that is being written.
Result<List> read_list(const std::string& path, bool again) {
  constexpr size_t kMostBytes = size_t{4} << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::not_found, "the list of providers '{}' cannot be opened", path);
  std::string text;
  char piece[size_t{16} << 10];
  while (file.read(piece, sizeof piece), file.gcount() > 0) {
    text.append(piece, static_cast<size_t>(file.gcount()));
    if (text.size() > kMostBytes) return fail(Code::resource_exhausted, "'{}' has more than 4 MiB", path);
  }
  if (again && text.empty()) {
    return fail(Code::failed_precondition, "'{}' is empty, as a file is while it is written; a comment in it says that there is no provider", path);
  }
  std::string urls;
  std::istringstream lines(std::move(text));
  for (std::string line; std::getline(lines, line);) urls.append(line.substr(0, line.find('#'))).append(",");
  if (urls.find_first_not_of(" \t\r,;") == std::string::npos) return List();
  auto list = parse_providers(urls);
  if (!list) return std::unexpected(std::move(list.error()).wrap(fmt::format("the list of providers '{}'", path)));
  return *(*list)->current();
}

io::Task<Result<List>> read_file(std::string path, bool again) {
  const auto read = [path, again] { return read_list(path, again); };
  co_return co_await io::run_blocking(io::Shard::current().runtime().file_pool(), read, io::WhenCancelled::leave);
}

io::Task<Result<List>> look_up(Provider like, Resolver resolver) {
  auto addresses = resolver ? co_await resolver(like.address) : co_await io::resolve(like.address);
  if (!addresses && addresses.error().detail<io::NoAddress>() != nullptr) co_return List();
  if (!addresses) co_return forward_error(addresses);
  List list;
  std::ranges::sort(*addresses);  // the system gives them in turn
  for (const io::Address& address : *addresses) {
    list.push_back(like);
    list.back().address = address;
  }
  co_return list;
}

io::Task<Result<std::shared_ptr<Providers>>> watch(std::string name, io::Task<Result<List>> first, Source again, Duration each) {
  auto list = co_await or_return(std::move(first));
  co_return std::make_shared<LiveProviders>(std::move(name), std::move(again), std::move(list), each);
}

}  // namespace

io::Task<Result<std::shared_ptr<Providers>>> watch_file(std::string path, Duration each) {
  return watch("file " + path, read_file(path, false), [path] { return read_file(path, true); }, each);
}

io::Task<Result<std::shared_ptr<Providers>>> watch_dns(std::string url, Duration each, Resolver resolver) {
  auto parsed = co_await io::or_return(parse_providers(url));
  const ProviderList named = parsed->current();
  if (named->size() != 1) {
    co_return fail(Code::invalid_argument, "'{}' names {} providers, and DNS is asked for one name: make a list for each", url, named->size());
  }
  const Provider like = named->front();
  co_return co_await watch("dns " + url, look_up(like, resolver), [like, resolver] { return look_up(like, resolver); }, each);
}

}  // namespace sofa::rpc
