#include "campaign.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace sofa::raft_sim {
namespace {

/// Seeds that have passed, as ranges "from to" in a file whose first line names the sources.
class Passed {
 public:
  explicit Passed(const CampaignOptions& options) : options_(options) {
    if (options.resume_file.empty()) return;
    std::ifstream file(options.resume_file);
    std::string word, sources;
    if (!(file >> word >> sources) || word != "sources" || sources != options.sources) return;
    for (uint64_t from = 0, to = 0; file >> from >> to;) ranges_[from] = to;
  }
  bool has(uint64_t seed) const {
    const auto after = ranges_.upper_bound(seed);
    return after != ranges_.begin() && std::prev(after)->second >= seed;
  }
  void add(uint64_t seed) {
    uint64_t from = seed, to = seed;
    if (const auto next = ranges_.find(seed + 1); next != ranges_.end()) {
      to = next->second;
      ranges_.erase(next);
    }
    const auto after = ranges_.upper_bound(seed);
    if (after != ranges_.begin() && std::prev(after)->second + 1 == seed) from = std::prev(after)->first;
    ranges_[from] = to;
  }
  void save() const {
    if (options_.resume_file.empty()) return;
    const std::string temporary = options_.resume_file + ".tmp";
    {
      std::ofstream file(temporary);
      file << "sources " << options_.sources << "\n";
      for (const auto& [from, to] : ranges_) file << from << " " << to << "\n";
    }
    (void)std::rename(temporary.c_str(), options_.resume_file.c_str());
  }

 private:
  const CampaignOptions& options_;
  std::map<uint64_t, uint64_t> ranges_;
};

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', '|');
  return text;
}

/// The seeds of one process, each as a line: "passed SEED SECONDS EVENTS", "failed SEED SECONDS EVENTS INVARIANT WHAT"; then "mark TIMES NAME".
void run_share(const CampaignOptions& options, const Passed& passed, int share, const std::function<SeedResult(uint64_t)>& run, std::FILE* out) {
  sim::Marks marks;
  for (uint64_t seed = options.first + static_cast<uint64_t>(share); seed < options.first + options.seeds;
       seed += static_cast<uint64_t>(options.processes)) {
    if (passed.has(seed)) continue;
    const SeedResult result = run(seed);
    marks.add(result.marks);
    fmt::print(out, "{} {} {} {} {} {}\n", result.invariant.empty() ? "passed" : "failed", seed, result.virtual_seconds, result.events,
               result.invariant, one_line(result.what));
    std::fflush(out);
  }
  for (const auto& [mark, times] : marks.all()) fmt::print(out, "mark {} {}\n", times, mark);
  std::fflush(out);
}

double cpu_seconds(int of) {
  rusage usage{};
  ::getrusage(of, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Totals {
  uint64_t passed = 0, failed = 0, events = 0;
  double seconds = 0;
  sim::Marks marks{};
  std::vector<uint64_t> to_explain{};
};

void take_line(const std::string& line, const CampaignOptions& options, Passed& passed, Totals& totals) {
  std::istringstream words(line);
  std::string what;
  words >> what;
  if (what == "mark") {
    uint64_t times = 0;
    words >> times;
    std::string name;
    std::getline(words >> std::ws, name);
    totals.marks.reach(name, times);
    return;
  }
  uint64_t seed = 0, events = 0;
  double seconds = 0;
  words >> seed >> seconds >> events;
  totals.seconds += seconds;
  totals.events += events;
  if (what == "passed") {
    ++totals.passed;
    return passed.add(seed);
  }
  std::string invariant, text;
  words >> invariant;
  std::getline(words >> std::ws, text);
  std::ranges::replace(text, '|', '\n');
  ++totals.failed;
  totals.to_explain.push_back(seed);
  fmt::print("FAILED seed {} at {:.6f} s, commit {}: {}: {}\n  again: {} --seed {}\n", seed, seconds, options.commit, invariant, text, options.again,
             seed);
  std::fflush(stdout);
}

/// A child for each share; their lines come through one pipe, each line in one write.
std::FILE* start_processes(const CampaignOptions& options, const Passed& passed, const std::function<SeedResult(uint64_t)>& run) {
  int ends[2];
  if (::pipe(ends) != 0) return nullptr;
  std::fflush(stdout);
  for (int share = 0; share < options.processes; ++share) {
    if (::fork() != 0) continue;
    ::close(ends[0]);
    std::FILE* out = ::fdopen(ends[1], "w");
    run_share(options, passed, share, run, out);
    std::_Exit(0);
  }
  ::close(ends[1]);
  return ::fdopen(ends[0], "r");
}

}  // namespace

uint64_t run_campaign(const CampaignOptions& options, const std::function<SeedResult(uint64_t)>& run, const std::function<void(uint64_t)>& explain) {
  const auto begun = std::chrono::steady_clock::now();
  Passed passed(options);
  Totals totals;
  std::FILE* lines = start_processes(options, passed, run);
  if (lines == nullptr) return 1;
  auto saved = begun, told = begun;
  std::string line;
  for (int c = std::fgetc(lines); c != EOF; c = std::fgetc(lines)) {
    if (c != '\n') {
      line.push_back(static_cast<char>(c));
      continue;
    }
    take_line(std::exchange(line, {}), options, passed, totals);
    const auto now = std::chrono::steady_clock::now();
    if (now - saved > std::chrono::seconds(5)) passed.save(), saved = now;
    if (now - told > std::chrono::seconds(30)) {
      told = now;
      fmt::print("  ... {} of {} seeds, {} failed\n", totals.passed + totals.failed, options.seeds, totals.failed);
      std::fflush(stdout);
    }
  }
  std::fclose(lines);
  for (int status = 0; ::wait(&status) > 0;) {
    // A process that was killed by a signal has shown nothing of the seeds behind it.
    if (status != 0)
      ++totals.failed, fmt::print("FAILED a process of the campaign has ended with the status {}: run its seeds one by one with --verbose\n", status);
  }
  passed.save();
  for (size_t i = 0; i < std::min<size_t>(totals.to_explain.size(), 3); ++i) {
    fmt::print("--- seed {}\n", totals.to_explain[i]);
    explain(totals.to_explain[i]);
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(), cpu = cpu_seconds(RUSAGE_CHILDREN);
  for (const auto& [mark, times] : totals.marks.all()) fmt::print("  {:12} {}\n", times, mark);
  if (totals.passed + totals.failed >= 200) {
    for (const std::string& mark : totals.marks.missing(options.required_marks)) {
      ++totals.failed;
      fmt::print("FAILED nothing has reached: {}\n", mark);
    }
  }
  fmt::print("{} seeds, {:.0f} virtual s in {:.1f} s: {:.0f} virtual s in a second of CPU, {:.2f} M events in one\n", totals.passed + totals.failed,
             totals.seconds, took, totals.seconds / cpu, static_cast<double>(totals.events) / cpu / 1e6);
  fmt::print("{} passed, {} failed\n", totals.passed, totals.failed);
  return totals.failed;
}

}  // namespace sofa::raft_sim
