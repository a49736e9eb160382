#include "bank/bank_processes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace bank {

using sofa::Result;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kStartDeadline{10'000};
constexpr milliseconds kStopDeadline{10'000};  // running calls end within their timeouts, which are shorter

}  // namespace

Bank::Bank(BankOptions options) : options_(std::move(options)), programs_(std::filesystem::read_symlink("/proc/self/exe").parent_path().string()) {}

Bank::~Bank() {
  while (!members_.empty()) members_.pop_back();
}

Result<std::unique_ptr<Bank>> Bank::start(BankOptions options) {
  std::unique_ptr<Bank> bank(new Bank(std::move(options)));
  for (int i = 1; i <= bank->options_.instances; ++i) {
    if (auto started = bank->start_member("risk", i, bank->options_.risk); !started) return sofa::forward_error(started);
  }
  if (auto started = bank->start_member("ledger", 0, {"--journal-folder", bank->options_.folder}); !started) return sofa::forward_error(started);
  auto references = bank->write_references();
  if (!references) return sofa::forward_error(references);
  for (int i = 1; i <= bank->options_.instances; ++i) {
    if (auto started = bank->start_member("gateway", i, {"--config", *references}); !started) return sofa::forward_error(started);
  }
  return bank;
}

/// The gateways' configuration: where they find the others.
Result<std::string> Bank::write_references() const {
  const std::string file = options_.logs + "/gateway.yaml";
  std::ofstream out(file);
  out << fmt::format("references:\n  bank.Ledger: {{url: \"{}\"}}\n  bank.Risk: {{url: \"{}\"}}\n", targets_of("ledger"), targets_of("risk"));
  if (!out.flush()) return std::unexpected(sofa::errno_error(errno, "cannot write " + file));
  return file;
}

Result<void> Bank::start_member(const std::string& role, int number, std::vector<std::string> arguments) {
  const std::string name = options_.instances > 1 && number > 0 ? fmt::format("{}-{}", role, number) : role;
  arguments.insert(arguments.end(), {"--admin-port", "0"});
  if (!options_.platform.empty()) arguments.insert(arguments.end(), {"--admin-platform", options_.platform});
  Command command{fmt::format("{}/bank-{}", programs_, role), std::move(arguments), fmt::format("{}/{}.log", options_.logs, name)};
  Command first = command;
  first.arguments.insert(first.arguments.end(), {"--server-port", "0"});
  auto process = Process::start(first, kStartDeadline);
  if (!process) return sofa::forward_error(process);
  command.arguments.insert(command.arguments.end(), {"--server-port", std::to_string(process->port())});
  members_.push_back({role, name, std::move(command), std::move(*process)});
  return {};
}

Bank::Member& Bank::ledger() { return *std::ranges::find(members_, "ledger", &Member::role); }

std::string Bank::targets_of(const std::string& role) const {
  std::vector<std::string> targets;
  for (const Member& member : members_) {
    if (member.role == role) targets.push_back(fmt::format("{}://127.0.0.1:{}", options_.protocol, member.process.port()));
  }
  return fmt::format("{}", fmt::join(targets, ","));
}

Usage Bank::usage(const std::string& role) const {
  const auto ended = cpu_of_ended_.find(role);
  Usage sum{.cpu = ended == cpu_of_ended_.end() ? std::chrono::microseconds(0) : ended->second};
  for (const Member& member : members_) {
    if (member.role != role) continue;
    const Usage own = member.process.usage();
    sum.cpu += own.cpu;
    sum.rss_bytes += own.rss_bytes;
  }
  return sum;
}

Result<void> Bank::kill_and_start(Member& member) {
  cpu_of_ended_[member.role] += member.process.usage().cpu;
  member.process.kill_now();
  return start_again(member);
}

Result<void> Bank::restart(Member& member) {
  cpu_of_ended_[member.role] += member.process.usage().cpu;
  if (!member.process.stop(kStopDeadline)) {
    return sofa::fail(sofa::Code::internal, "{} did not end with exit code 0 within {} ms of SIGTERM; {} says why", member.name,
                      kStopDeadline.count(), member.command.log);
  }
  return start_again(member);
}

Result<void> Bank::start_again(Member& member) {
  auto process = Process::start(member.command, kStartDeadline);
  if (!process) return sofa::forward_error(process);
  member.process = std::move(*process);
  return {};
}

}  // namespace bank
