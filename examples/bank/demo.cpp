// The driver of the demo: starts the three processes, drives 64 clients through the gateway, kills the ledger with kill -9 in the middle, and
// proves afterwards that no acknowledged cent is missing. With --rolling-restart it restarts all processes, one after another, and proves that no
// call has failed, too. Exit code 0 only if the proof holds.

#include <unistd.h>

#include <filesystem>

#include "bank/audit.h"
#include "bank/bank_api.h"
#include "bank/bank_processes.h"
#include "bank/names.h"
#include "bank/retry.h"
#include "sofa/base/flags.h"
#include "sofa/base/log.h"
#include "sofa/base/metrics.h"
#include "sofa/base/random.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/client.h"
#include "sofa/state/log/file.h"

namespace bank {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct DemoOptions {
  int32_t seconds = 15;
  int32_t clients = 64;
  int32_t accounts = 200;
  std::string folder = "build/bank-demo";
  uint64_t seed = 0;
  int32_t risk_slow_one_in = 500;
  int32_t risk_slow_ms = 150;
  bool rolling_restart = false;
  int32_t retries = 0;
  std::string protocol = "bolt";
  std::string platform;
  bool forge_acknowledgement = false;

  static auto describe(sofa::Description<DemoOptions>& d) {
    d.doc("Runs the bank, kills its ledger in the middle and proves that nothing acknowledged is lost.");
    d.field("seconds", &DemoOptions::seconds).doc("how long the clients transfer").unit("s").range(1, 3600);
    d.field("clients", &DemoOptions::clients).doc("concurrent clients").range(1, 10'000);
    d.field("accounts", &DemoOptions::accounts).range(2, 100'000);
    d.field("folder", &DemoOptions::folder).doc("the ledger's data: missing, empty or of an earlier demo; emptied at the start");
    d.field("seed", &DemoOptions::seed).doc("of the random transfers, 0: a new one");
    d.field("risk_slow_one_in", &DemoOptions::risk_slow_one_in).doc("one of so many answers of risk is slow, 0: none").range(0, 1'000'000);
    d.field("risk_slow_ms", &DemoOptions::risk_slow_ms).doc("how slow; its callers wait 60 ms").unit("ms").range(0, 60'000);
    d.field("rolling_restart", &DemoOptions::rolling_restart)
        .doc("two gateways and two of risk; all processes are restarted one after another, in place of the kill, and no call may fail");
    d.field("retries", &DemoOptions::retries).doc("further attempts of a call that a client makes before it has failed").range(0, 100);
    d.field("protocol", &DemoOptions::protocol).doc("by which clients and processes call each other: bolt, or tri for Triple");
    d.field("platform", &DemoOptions::platform).doc("HOST:9900 of a platform (sofa dev) whose console shows the processes; empty: none");
    d.field("forge_acknowledgement", &DemoOptions::forge_acknowledgement).doc("count a transfer that never happened, to see the proof fail");
  }
};

constexpr int64_t kDeposit = 100'000;
constexpr milliseconds kLastTransfers = 15s;       // for those that are under way when the time is over
constexpr std::string_view kMarker = "bank-demo";  // a folder in the data folder: says that it is the demo's, and holds the logs

bool on_terminal() { return isatty(STDOUT_FILENO) != 0; }
/// The text in an ANSI colour, on a terminal that wants it.
std::string coloured(const char* colour, std::string_view text) {
  static const bool wanted = on_terminal() && std::getenv("NO_COLOR") == nullptr;
  return wanted ? fmt::format("\033[{}m{}\033[0m", colour, text) : std::string(text);
}
constexpr const char* kBold = "1";
constexpr const char* kGreen = "32";
constexpr const char* kRed = "31";

/// Removes all but `kept` from a folder.
std::error_code remove_all_but(const std::filesystem::path& folder, const std::filesystem::path& kept) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->path().filename() == kept) continue;
    std::filesystem::remove_all(entries->path(), error);
    if (error) break;
  }
  return error;
}

/// Empties the folder, marks it as the demo's and holds it against a second demo. One that holds anything else is not touched.
Result<std::unique_ptr<sofa::log::FolderLock>> take_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  constexpr std::string_view kLock = "lock";
  const fs::path marker = fs::path(folder) / kMarker;
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error) && !fs::exists(marker, error)) {
    return fail(Code::failed_precondition, "{} holds files that are not this demo's; name another folder with --folder", folder);
  }
  fs::create_directories(marker, error);
  if (error) return std::unexpected(sofa::errno_error(error.value(), fmt::format("cannot make {}", marker.string())));
  auto lock = sofa::log::posix_file_system().lock(marker / kLock);
  if (!lock) return std::unexpected(std::move(lock.error()).wrap(fmt::format("{} cannot be taken; name another folder with --folder", folder)));
  error = remove_all_but(folder, kMarker);
  if (!error) error = remove_all_but(marker, kLock);
  if (error) return std::unexpected(sofa::errno_error(error.value(), "cannot empty " + folder));
  return lock;
}

/// The log file of a process, or of the demo itself: nothing but the demo's own lines goes to the terminal.
std::string log_file(const std::string& folder, std::string_view process) { return fmt::format("{}/{}/{}.log", folder, kMarker, process); }

std::string account_name(uint64_t i) { return fmt::format("account-{:04}", i); }

/// What the clients did and saw; one shard.
struct Run {
  std::shared_ptr<Gateway> gateway;
  Audit audit;
  sofa::Histogram latency;  // microseconds
  int64_t acknowledged = 0, refused = 0, retries = 0, deadlines = 0;
  int64_t failed = 0;  // calls of clients that ended with neither a yes nor a no
  std::string first_failure;
  bool over = false;
  steady_clock::time_point killed_at{}, ready_at{}, first_after{};
};

// region: client
/// One client: random transfers, each repeated under its own id until the bank has said yes or no.
Task<void> client(Run& run, const DemoOptions& options, int number, uint64_t seed) {
  sofa::Random random(seed);
  const auto accounts = static_cast<uint64_t>(options.accounts);
  for (int64_t i = 0; !run.over; ++i) {
    const uint64_t from = random.uniform(accounts);
    const uint64_t to = (from + 1 + random.uniform(accounts - 1)) % accounts;
    const Transfer transfer{fmt::format("c{}-{}", number, i), account_name(from), account_name(to), random.uniform(int64_t{1}, int64_t{2'000})};
    const auto begun = steady_clock::now();
    for (;;) {
      auto receipt = co_await run.gateway->transfer(transfer);
      if (receipt) {
        run.audit.acknowledged(transfer);
        ++run.acknowledged;
        run.retries += receipt->retries;
        run.deadlines += receipt->deadlines;
        break;
      }
      if (!worth_another_try(receipt.error())) {  // the bank has said no
        ++run.refused;
        break;
      }
      if (run.failed++ == 0) run.first_failure = receipt.error().to_string();
      ++run.retries;
      if (receipt.error().code() == Code::deadline_exceeded) ++run.deadlines;
      if (!co_await sofa::io::sleep_for(20ms)) co_return;
    }
    const auto now = steady_clock::now();
    run.latency.record(static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - begun).count()));
    if (run.ready_at != steady_clock::time_point{} && run.first_after == steady_clock::time_point{}) run.first_after = now;
  }
}
// endregion

/// A live line on a terminal, a line each second elsewhere.
Task<void> show_progress(Run& run, const DemoOptions& options) {
  const bool terminal = on_terminal();
  const auto begun = steady_clock::now();
  int64_t before = 0;
  const auto step = terminal ? 200ms : 1000ms;
  while (!run.over) {
    if (!co_await sofa::io::sleep_for(step)) co_return;
    const auto seen = run.latency.read();
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
    const auto rate = static_cast<double>(run.acknowledged - before) / std::chrono::duration<double>(step).count();
    before = run.acknowledged;
    fmt::print("{}{:5.1f} of {} s  {:>8.0f} transfers/s  p50 {:>6.2f} ms  p99 {:>6.2f} ms  retries {} (deadlines {}){}", terminal ? "\r\033[K" : "",
               std::min<double>(seconds, options.seconds), options.seconds, rate, static_cast<double>(seen.percentile(0.5)) / 1000,
               static_cast<double>(seen.percentile(0.99)) / 1000, run.retries, run.deadlines, terminal ? "" : "\n");
    std::fflush(stdout);
  }
  if (terminal) fmt::print("\n");
}

/// A line of its own between those of the progress.
void print_event(std::string_view text) {
  fmt::print("{}  {}\n", on_terminal() ? "\r\033[K" : "", coloured(kBold, text));
  std::fflush(stdout);
}

/// What blocks, away from the clients' thread.
template <class F>
auto off_the_loop(F work) {
  return sofa::io::run_blocking(sofa::io::Shard::current().runtime().file_pool(), std::move(work));
}

// region: kill
/// kill -9 in the middle, and a new ledger on the same folder and port.
Task<Result<void>> kill_and_restart(Run& run, Bank& bank) {
  Bank::Member& ledger = bank.ledger();
  print_event(fmt::format("kill -9 of the ledger, pid {}", ledger.process.pid()));
  run.killed_at = steady_clock::now();
  co_await or_return(off_the_loop([&] { return bank.kill_and_start(ledger); }));
  run.ready_at = steady_clock::now();
  print_event(fmt::format("the ledger is back, pid {}, on the same folder and port", ledger.process.pid()));
  co_return {};
}
// endregion

/// SIGTERM to each process and a new one on its port, one after another.
Task<Result<void>> restart_all(Bank& bank) {
  for (Bank::Member& member : bank.members()) {
    const auto begun = steady_clock::now();
    const pid_t before = member.process.pid();
    co_await or_return(off_the_loop([&] { return bank.restart(member); }));
    print_event(fmt::format("{} is restarted, pid {} in place of {}, in {} ms", member.name, member.process.pid(), before,
                            std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun).count()));
  }
  co_return {};
}

Task<Result<void>> open_accounts(Run& run, const DemoOptions& options) {
  for (int32_t i = 0; i < options.accounts; ++i) {
    co_await or_return(run.gateway->open_account(account_name(static_cast<uint64_t>(i)), kDeposit));
    run.audit.deposited(account_name(static_cast<uint64_t>(i)), kDeposit);
  }
  co_return {};
}

/// Reads every account's statement, page by page, into the audit.
Task<Result<void>> read_statements(Run& run, const DemoOptions& options) {
  constexpr int32_t kPage = 2000;
  for (int32_t i = 0; i < options.accounts; ++i) {
    const std::string account = account_name(static_cast<uint64_t>(i));
    int64_t skip = 0;
    for (;;) {
      const Statement page = co_await or_return(run.gateway->statement(account, skip, kPage));
      run.audit.seen(page);
      skip += static_cast<int64_t>(page.postings.size());
      if (skip >= page.total || page.postings.empty()) break;
    }
  }
  co_return {};
}

constexpr std::array<const char*, 3> kRoles{"gateway", "ledger", "risk"};

std::array<Usage, 3> usages(const Bank& bank) { return {bank.usage(kRoles[0]), bank.usage(kRoles[1]), bank.usage(kRoles[2])}; }

void print_recovery(const Run& run) {
  if (run.killed_at == steady_clock::time_point{}) return;
  const auto ms = [](auto duration) { return std::chrono::duration_cast<milliseconds>(duration).count(); };
  const bool transfers_followed = run.first_after != steady_clock::time_point{};
  fmt::print("  ledger recovered in     {} ms after kill -9 ({})\n", ms(run.ready_at - run.killed_at),
             transfers_followed ? fmt::format("first transfer {} ms after it", ms(run.first_after - run.killed_at)) : "no transfer since");
}

void print_report(const Run& run, const Bank& bank, double seconds, const std::array<Usage, 3>& before) {
  const auto latency = run.latency.read();
  fmt::print("\n{}\n", coloured(kBold, "The run"));
  fmt::print(
      "  transfers acknowledged  {}\n  refused by the bank     {}\n  calls that failed       {}\n  calls repeated          {}\n  of them for a "
      "deadline  {}\n  rate                    {:.0f}/s\n",
      run.acknowledged, run.refused, run.failed, run.retries, run.deadlines, static_cast<double>(run.acknowledged) / seconds);
  for (auto [name, fraction] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}) {
    fmt::print("  {:<22}  {:.2f} ms\n", name, static_cast<double>(latency.percentile(fraction)) / 1000);
  }
  print_recovery(run);
  fmt::print("\n{}\n", coloured(kBold, "  process   CPU per transfer    memory"));
  const std::array<Usage, 3> now = usages(bank);
  for (size_t i = 0; i < kRoles.size(); ++i) {
    const auto spent = static_cast<double>((now[i].cpu - before[i].cpu).count()) / static_cast<double>(std::max<int64_t>(run.acknowledged, 1));
    fmt::print("  {:<8}  {:>8.1f} us       {:>6.1f} MB\n", kRoles[i], spent, static_cast<double>(now[i].rss_bytes) / 1e6);
  }
}

void print_next_steps(const DemoOptions& options) {
  fmt::print(R"(
The logs of the processes and of this program: {}
The same bank, each program in a terminal of its own:

    ./dev run bank-risk
    ./dev run bank-ledger --journal-folder build/bank
    ./dev run bank-gateway -c examples/bank/gateway.yaml

In the console of a platform, http://127.0.0.1:9900, each in a terminal of its own:

    ./dev run sofa dev
    ./dev run bank-demo --seconds 600 --platform 127.0.0.1:9900

Java calls it with SOFARPC as it is:

    Gateway gateway = new ConsumerConfig<Gateway>().setInterfaceId("bank.Gateway")
        .setDirectUrl("bolt://127.0.0.1:12200").refer();
    gateway.openAccount("account-0000", 100000);
    gateway.openAccount("account-0001", 100000);
    Receipt receipt = gateway.transfer(new Transfer("t-1", "account-0000", "account-0001", 250));

The same port answers curl, which calls any method, and grpcurl:

    curl -d '["account-0000", 100000]' http://127.0.0.1:12200/bank.Gateway:1.0/openAccount
    curl 'http://127.0.0.1:12200/bank.Gateway:1.0/statement?account=account-0000&skip=0&limit=10'
    grpcurl -plaintext -d '{{"account": "account-0000", "limit": 10}}' 127.0.0.1:12200 bank.v1.Bank/GetStatement

Read next: docs/tutorial.md walks through this program; README.md has the 20 lines of a service of your own.
)",
             log_file(options.folder, "*"));
}

Task<Result<void>> cancel_after(sofa::io::TaskGroup& clients, milliseconds limit) {
  co_await or_return(sofa::io::sleep_for(limit));
  clients.cancel();
  co_return fail(Code::deadline_exceeded, "the bank did not answer its last transfers within {} ms; the logs of its processes say why",
                 limit.count());
}

/// Waits for the clients to end their last transfers, no longer than `limit`.
Task<Result<void>> join_within(sofa::io::TaskGroup& clients, milliseconds limit) {
  sofa::io::TaskGroup clock(co_await sofa::io::current_scope());
  clock.spawn("limit", cancel_after(clients, limit));
  auto joined = co_await clients.join();
  clock.cancel();
  auto in_time = co_await clock.join();
  co_return joined ? in_time : joined;
}

/// What the statements prove; in a rolling restart also that no client has seen an error.
Audit::Findings verdict(const Run& run, const DemoOptions& options) {
  Audit::Findings findings = run.audit.verdict();
  if (!options.rolling_restart) return findings;
  if (run.failed == 0) {
    findings.proved.push_back("no call has failed while every process was restarted");
  } else {
    findings.broken.push_back(fmt::format("{} calls have failed, the first one: {}", run.failed, run.first_failure));
  }
  return findings;
}

Task<Result<bool>> run_bank(const DemoOptions& options, Bank& bank) {
  Run run;
  run.gateway = co_await or_return(sofa::rpc::connect<Gateway>(bank.gateways(), {.app = "bank-demo", .retries = options.retries}));
  co_await or_return(open_accounts(run, options));
  const uint64_t seed = options.seed != 0 ? options.seed : sofa::system_seed();
  fmt::print("{} accounts with {} cents each, {} clients, seed {}\n", options.accounts, kDeposit, options.clients, seed);
  const std::array<Usage, 3> before = usages(bank);

  const auto begun = steady_clock::now();
  sofa::io::TaskGroup group(co_await sofa::io::current_scope());
  for (int i = 0; i < options.clients; ++i) group.spawn("client", client(run, options, i, seed + static_cast<uint64_t>(i)));
  group.spawn("progress", show_progress(run, options));
  const std::chrono::duration<double> wanted = std::chrono::seconds(options.seconds);
  auto waited = co_await sofa::io::sleep_for(std::chrono::duration_cast<milliseconds>(wanted / 2));
  Result<void> restarted = waited;
  if (waited) restarted = options.rolling_restart ? co_await restart_all(bank) : co_await kill_and_restart(run, bank);
  const auto left = std::chrono::duration_cast<milliseconds>(wanted - (steady_clock::now() - begun));
  if (restarted) waited = co_await sofa::io::sleep_for(std::max(left, milliseconds(0)));
  run.over = true;
  if (!restarted || !waited) group.cancel();
  if (auto joined = co_await join_within(group, kLastTransfers); !joined) co_return sofa::forward_error(joined);
  if (!restarted) co_return sofa::forward_error(restarted);
  if (!waited) co_return sofa::forward_error(waited);
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();

  print_report(run, bank, seconds, before);
  if (options.forge_acknowledgement) run.audit.acknowledged({"forged", account_name(0), account_name(1), 1});
  fmt::print("\nReading every statement for the proof ...\n");
  co_await or_return(read_statements(run, options));
  const auto findings = verdict(run, options);
  for (const auto& line : findings.proved) fmt::print("  {} {}\n", coloured(kGreen, "proved:"), line);
  for (const auto& line : findings.broken) fmt::print("  {} {}\n", coloured(kRed, "BROKEN:"), line);
  print_next_steps(options);
  co_return findings.broken.empty();
}

BankOptions bank_options(const DemoOptions& options) {
  return {.folder = options.folder,
          .logs = fmt::format("{}/{}", options.folder, kMarker),
          .instances = options.rolling_restart ? 2 : 1,
          .risk = {"--risk-slow-one-in", std::to_string(options.risk_slow_one_in), "--risk-slow-ms", std::to_string(options.risk_slow_ms)},
          .protocol = options.protocol,
          .platform = options.platform};
}

Task<Result<bool>> prove(const DemoOptions& options) {
  std::unique_ptr<sofa::log::FolderLock> folder;
  const auto bank = co_await or_return(off_the_loop([&]() -> Result<std::unique_ptr<Bank>> {
    auto taken = take_folder(options.folder);
    if (!taken) return sofa::forward_error(taken);
    folder = std::move(*taken);
    if (auto logged = sofa::configure_logging({.file = log_file(options.folder, "demo")}); !logged) return sofa::forward_error(logged);
    return Bank::start(bank_options(options));
  }));
  co_return co_await run_bank(options, *bank);
}

Task<int> demo(const DemoOptions& options) {
  auto proved = co_await prove(options);
  if (!proved) {
    fmt::print(stderr, "{}\n", proved.error());
    co_return 1;
  }
  fmt::print("\n{}\n", *proved ? coloured(kGreen, "The proof holds: nothing was lost, nothing was booked twice.")
                               : coloured(kRed, "The proof FAILED; the lines marked BROKEN say how."));
  co_return *proved ? 0 : 1;
}

}  // namespace
}  // namespace bank

int main(int argc, char** argv) {
  bank::DemoOptions options;
  const auto parsed = sofa::parse_flags(argc, argv, options);
  if (const auto code = sofa::exit_code_of(parsed)) return *code;
  return sofa::io::run(bank::demo(options), {.shards = 1});
}
