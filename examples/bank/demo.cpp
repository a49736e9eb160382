// The driver of the demo: starts the three processes, drives 64 clients through the gateway, kills the ledger with kill -9 in the middle, and
// proves afterwards that no acknowledged cent is missing. Exit code 0 only if the proof holds.

#include <unistd.h>

#include <filesystem>

#include "bank/audit.h"
#include "bank/bank_api.h"
#include "bank/process.h"
#include "bank/program.h"
#include "bank/retry.h"
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
    d.field("forge_acknowledgement", &DemoOptions::forge_acknowledgement).doc("count a transfer that never happened, to see the proof fail");
  }
};

constexpr int64_t kDeposit = 100'000;
constexpr milliseconds kStartDeadline = 10s;
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

/// The three processes and how to start the ledger again.
struct Bank {
  Process risk, ledger, gateway;
  std::string programs, folder;

  static Result<Process> start_process(const std::string& programs, const std::string& folder, std::string_view name,
                                       std::vector<std::string> arguments) {
    return Process::start({fmt::format("{}/bank-{}", programs, name), std::move(arguments), log_file(folder, name)}, kStartDeadline);
  }
  static Result<Process> start_ledger(const std::string& programs, const std::string& folder, int port) {
    return start_process(programs, folder, "ledger", {"--port", std::to_string(port), "--folder", folder});
  }
  static Result<Bank> start(const DemoOptions& options) {
    const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    auto risk =
        start_process(programs, options.folder, "risk",
                      {"--port", "0", "--slow-one-in", std::to_string(options.risk_slow_one_in), "--slow-ms", std::to_string(options.risk_slow_ms)});
    if (!risk) return sofa::forward_error(risk);
    auto ledger = start_ledger(programs, options.folder, 0);
    if (!ledger) return sofa::forward_error(ledger);
    auto gateway = start_process(
        programs, options.folder, "gateway",
        {"--port", "0", "--ledger", fmt::format("bolt://127.0.0.1:{}", ledger->port()), "--risk", fmt::format("bolt://127.0.0.1:{}", risk->port())});
    if (!gateway) return sofa::forward_error(gateway);
    return Bank{std::move(*risk), std::move(*ledger), std::move(*gateway), programs, options.folder};
  }
};

/// What the clients did and saw; one shard.
struct Run {
  std::shared_ptr<Gateway> gateway;
  Audit audit;
  sofa::Histogram latency;  // microseconds
  int64_t acknowledged = 0, refused = 0, retries = 0, deadlines = 0;
  bool over = false;
  steady_clock::time_point killed_at{}, ready_at{}, first_after{};
  std::chrono::microseconds cpu_of_killed{0};  // of the ledger, up to the kill
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

// region: kill
/// kill -9 in the middle, and a new ledger on the same folder and port.
Task<Result<void>> kill_and_restart(Run& run, Bank& bank) {
  const int port = bank.ledger.port();
  print_event(fmt::format("kill -9 of the ledger, pid {}", bank.ledger.pid()));
  run.cpu_of_killed = bank.ledger.usage().cpu;
  run.killed_at = steady_clock::now();
  auto started = co_await sofa::io::run_blocking(sofa::io::Shard::current().runtime().file_pool(), [&] {
    bank.ledger.kill_now();
    return Bank::start_ledger(bank.programs, bank.folder, port);
  });
  if (!started) co_return sofa::forward_error(started);
  bank.ledger = std::move(*started);
  run.ready_at = steady_clock::now();
  print_event(fmt::format("the ledger is back, pid {}, on the same folder and port", bank.ledger.pid()));
  co_return {};
}
// endregion

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

void print_report(const Run& run, const Bank& bank, double seconds, const std::array<Usage, 3>& before) {
  const auto latency = run.latency.read();
  const auto ms = [](auto duration) { return std::chrono::duration_cast<milliseconds>(duration).count(); };
  fmt::print("\n{}\n", coloured(kBold, "The run"));
  fmt::print(
      "  transfers acknowledged  {}\n  refused by the bank     {}\n  calls repeated          {}\n  of them for a deadline  {}\n  rate                "
      "    {:.0f}/s\n",
      run.acknowledged, run.refused, run.retries, run.deadlines, static_cast<double>(run.acknowledged) / seconds);
  for (auto [name, fraction] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}) {
    fmt::print("  {:<22}  {:.2f} ms\n", name, static_cast<double>(latency.percentile(fraction)) / 1000);
  }
  const bool transfers_followed = run.first_after != steady_clock::time_point{};
  fmt::print("  ledger recovered in     {} ms after kill -9 ({})\n", ms(run.ready_at - run.killed_at),
             transfers_followed ? fmt::format("first transfer {} ms after it", ms(run.first_after - run.killed_at)) : "no transfer since");
  fmt::print("\n{}\n", coloured(kBold, "  process   CPU per transfer    memory"));
  const std::pair<const char*, const Process*> processes[] = {{"gateway", &bank.gateway}, {"ledger", &bank.ledger}, {"risk", &bank.risk}};
  for (size_t i = 0; i < 3; ++i) {
    const auto usage = processes[i].second->usage();
    const auto cpu = usage.cpu - before[i].cpu + (processes[i].second == &bank.ledger ? run.cpu_of_killed : 0us);
    const auto spent = static_cast<double>(cpu.count()) / static_cast<double>(std::max<int64_t>(run.acknowledged, 1));
    fmt::print("  {:<8}  {:>8.1f} us       {:>6.1f} MB\n", processes[i].first, spent, static_cast<double>(usage.rss_bytes) / 1e6);
  }
}

void print_next_steps(const Bank& bank) {
  fmt::print(R"(
The logs of the processes and of this program: {}
The same bank, each program in a terminal of its own:

    ./dev run bank-risk --port 12202
    ./dev run bank-ledger --port 12201 --folder build/bank
    ./dev run bank-gateway --port 12200 --ledger bolt://127.0.0.1:12201 --risk bolt://127.0.0.1:12202

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
             log_file(bank.folder, "*"));
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

Task<Result<bool>> run_bank(const DemoOptions& options, Bank& bank) {
  Run run;
  run.gateway = co_await or_return(sofa::rpc::connect<Gateway>(fmt::format("bolt://127.0.0.1:{}", bank.gateway.port())));
  co_await or_return(open_accounts(run, options));
  const uint64_t seed = options.seed != 0 ? options.seed : sofa::system_seed();
  fmt::print("{} accounts with {} cents each, {} clients, seed {}\n", options.accounts, kDeposit, options.clients, seed);
  std::array<Usage, 3> before{bank.gateway.usage(), bank.ledger.usage(), bank.risk.usage()};

  const auto begun = steady_clock::now();
  sofa::io::TaskGroup group(co_await sofa::io::current_scope());
  for (int i = 0; i < options.clients; ++i) group.spawn("client", client(run, options, i, seed + static_cast<uint64_t>(i)));
  group.spawn("progress", show_progress(run, options));
  const std::chrono::duration<double> wanted = std::chrono::seconds(options.seconds);
  auto waited = co_await sofa::io::sleep_for(std::chrono::duration_cast<milliseconds>(wanted / 2));
  Result<void> restarted = waited ? co_await kill_and_restart(run, bank) : waited;
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
  const auto findings = run.audit.verdict();
  for (const auto& line : findings.proved) fmt::print("  {} {}\n", coloured(kGreen, "proved:"), line);
  for (const auto& line : findings.broken) fmt::print("  {} {}\n", coloured(kRed, "BROKEN:"), line);
  print_next_steps(bank);
  co_return findings.broken.empty();
}

Task<Result<bool>> prove(const DemoOptions& options) {
  std::unique_ptr<sofa::log::FolderLock> folder;
  auto bank = co_await or_return(sofa::io::run_blocking(sofa::io::Shard::current().runtime().file_pool(), [&]() -> Result<Bank> {
    auto taken = take_folder(options.folder);
    if (!taken) return sofa::forward_error(taken);
    folder = std::move(*taken);
    if (auto logged = sofa::configure_logging({.file = log_file(options.folder, "demo")}); !logged) return sofa::forward_error(logged);
    return Bank::start(options);
  }));
  co_return co_await run_bank(options, bank);
}

Task<int> demo(const DemoOptions& options) {
  auto proved = co_await prove(options);
  if (!proved) co_return report_failure(proved.error());
  fmt::print("\n{}\n", *proved ? coloured(kGreen, "The proof holds: nothing was lost, nothing was booked twice.")
                               : coloured(kRed, "The proof FAILED; the lines marked BROKEN say how."));
  co_return *proved ? 0 : 1;
}

}  // namespace
}  // namespace bank

int main(int argc, char** argv) { return bank::run_program(argc, argv, bank::demo); }
