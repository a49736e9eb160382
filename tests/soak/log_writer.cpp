// soak-log write FOLDER SEED   appends from many coroutines to several streams and prints "A stream index payload-seed" once each is acknowledged
// soak-log verify FOLDER FILE  opens the log and checks every acknowledged record of FILE: there, in order, exactly once, intact
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/state/log/log.h"

namespace {

using namespace sofa;

constexpr uint64_t kStreams = 5;
constexpr int kWriters = 40;

/// A payload says what it is and can be checked from its own first bytes.
std::string payload_of(uint64_t stream, uint64_t tag) {
  std::mt19937_64 random(stream * 1'000'003 + tag);
  std::string text(16 + random() % 1500, '\0');
  for (size_t i = 16; i < text.size(); ++i) text[i] = static_cast<char>(random());
  std::memcpy(text.data(), &stream, 8);
  std::memcpy(text.data() + 8, &tag, 8);
  return text;
}

void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::_Exit(3);
}

log::LogOptions options_for(const char* folder) {
  log::LogOptions options;
  options.folder = folder;
  options.segment_bytes = 1 << 20;
  options.max_record_bytes = 64 << 10;
  options.cache_bytes = 1 << 20;
  return options;
}

io::Task<Result<void>> write_for_ever(log::Log& log, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (;;) {
    const uint64_t stream = 1 + random() % kStreams, tag = random();
    const std::string payload = payload_of(stream, tag);
    const uint64_t index = co_await io::or_return(log.append(stream, 1, Bytes::copy_of(payload)));
    say(fmt::format("A {} {} {} .\n", stream, index, tag));
    if (random() % 400 == 0 && index > 200) {
      // Said before it is asked for: from here on a reader may miss what is below, whether or not the truncation was acknowledged.
      say(fmt::format("P {} {} .\n", stream, index - 200));
      co_await io::or_return(log.truncate_prefix(stream, index - 200));
    }
  }
}

io::Task<int> writer(const char* folder, uint64_t seed) {
  auto log = co_await log::Log::open(options_for(folder));
  if (!log) {
    fmt::print(stderr, "{}\n", log.error().to_string());
    co_return 1;
  }
  say("ready\n");
  io::TaskGroup group(co_await io::current_scope());
  for (int i = 0; i < kWriters; ++i) group.spawn("write", write_for_ever(**log, seed * 1000 + static_cast<uint64_t>(i)));
  auto ended = co_await group.join();
  if (!ended) fmt::print(stderr, "{}\n", ended.error().to_string());
  co_return 1;
}

struct Acknowledged {
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> tags;  // (stream, index) -> tag
  std::map<uint64_t, uint64_t> cut;                        // stream -> highest prefix that may be gone
  bool twice = false;
};

bool read_acknowledged(const char* path, Acknowledged& out) {
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return false;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    unsigned long long stream = 0, index = 0, tag = 0;
    if (std::strstr(line, " .\n") == nullptr) continue;  // cut by the kill
    if (std::sscanf(line, "A %llu %llu %llu", &stream, &index, &tag) == 3) {
      if (!out.tags.emplace(std::pair{stream, index}, tag).second) out.twice = true;
    } else if (std::sscanf(line, "P %llu %llu", &stream, &index) == 2) {
      out.cut[stream] = std::max<uint64_t>(out.cut[stream], index);
    }
  }
  std::fclose(file);
  return true;
}

io::Task<Result<uint64_t>> check(log::Log& log, const Acknowledged& acknowledged) {
  std::map<uint64_t, std::set<uint64_t>> seen;  // tags
  uint64_t found = 0;
  for (uint64_t stream : log.streams()) {
    const auto cut = acknowledged.cut.find(stream);
    const uint64_t cut_to = cut == acknowledged.cut.end() ? 0 : cut->second;
    if (log.first_index(stream) > cut_to + 1)
      co_return fail(Code::data_loss, "stream {} begins at {}, past {}", stream, log.first_index(stream), cut_to + 1);
    log::LogReader reader(log, stream, log.first_index(stream));
    for (;;) {
      const auto records = co_await io::or_return(reader.next());
      if (records.empty()) break;
      for (const auto& record : records) {
        uint64_t tag = 0;
        if (record.payload.size() < 16) co_return fail(Code::data_loss, "stream {} index {} is too short", stream, record.index);
        std::memcpy(&tag, record.payload.data() + 8, 8);
        if (record.payload.text() != payload_of(stream, tag))
          co_return fail(Code::data_loss, "stream {} index {} is not intact", stream, record.index);
        if (!seen[stream].insert(tag).second) co_return fail(Code::data_loss, "stream {} index {} is there twice", stream, record.index);
        auto known = acknowledged.tags.find({stream, record.index});
        if (known == acknowledged.tags.end()) continue;
        if (known->second != tag) co_return fail(Code::data_loss, "stream {} index {} is another record than was acknowledged", stream, record.index);
        ++found;
      }
    }
  }
  for (const auto& [key, tag] : acknowledged.tags) {
    const auto [stream, index] = key;
    if (index >= log.first_index(stream) && index > log.last_index(stream)) {
      co_return fail(Code::data_loss, "stream {} ends at {}, but {} was acknowledged", stream, log.last_index(stream), index);
    }
  }
  co_return found;
}

io::Task<int> verifier(const char* folder, const char* file) {
  Acknowledged acknowledged;
  if (!read_acknowledged(file, acknowledged) || acknowledged.twice) {
    fmt::print(stderr, "{}: not readable, or an index was acknowledged twice\n", file);
    co_return 1;
  }
  auto log = co_await log::Log::open(options_for(folder));
  if (!log) {
    fmt::print(stderr, "{}\n", log.error().to_string());
    co_return 1;
  }
  auto found = co_await check(**log, acknowledged);
  auto closed = co_await (*log)->close();
  if (!found || !closed) {
    fmt::print(stderr, "{}\n", found ? closed.error().to_string() : found.error().to_string());
    co_return 1;
  }
  fmt::print("{} acknowledged, {} of them still held and right\n", acknowledged.tags.size(), *found);
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "write") return io::run(writer(argv[2], std::strtoull(argv[3], nullptr, 10)));
  if (argc == 4 && std::string_view(argv[1]) == "verify") return io::run(verifier(argv[2], argv[3]));
  fmt::print(stderr, "usage: {0} write FOLDER SEED | {0} verify FOLDER FILE\n", argv[0]);
  return 2;
}
