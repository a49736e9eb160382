#pragma once
// What the tests of snapshots share: a life of a process with a store of snapshots, and how one is saved.

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "sofa/base/log.h"
#include "sofa/base/random.h"
#include "sofa/io/runtime.h"
#include "sofa/state/log/testing/fault_file_system.h"
#include "sofa/state/raft/snapshot.h"

namespace sofa::raft::testing {

using io::or_return;

constexpr const char* kFolder = "/data/snapshot/lab";

inline uint64_t test_seed() {
  const char* given = std::getenv("SOFA_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : system_seed() % 1'000'000;
}

inline std::string big(size_t bytes, uint64_t seed) {
  Random random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.next());
  return text;
}

inline std::shared_ptr<const Membership> three() {
  return std::make_shared<const Membership>(Membership{.current = *jraft::Configuration::parse("127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103")});
}

/// One life of a process: a store, and the record of the group, which in the end is in the log.
class Life {
 public:
  using Body = std::function<io::Task<Result<void>>(SnapshotStore& store, KeptSnapshot& record)>;
  static Result<void> live(log::FileSystem& files, KeptSnapshot& record, const Body& body) {
    set_log_level("raft", LogLevel::error);  // what could not be deleted is a warning, and here the rule
    io::Runtime runtime({.shards = 1, .blocking_threads = 1, .file_threads = 1, .hold_limit = {}});
    return runtime.block_on(run(files, record, body));
  }

 private:
  static io::Task<Result<void>> run(log::FileSystem& files, KeptSnapshot& record, const Body& body) {
    auto store = SnapshotStore::make(files, kFolder);
    co_await or_return(store->recover(record));
    co_return co_await body(*store, record);
  }
};

inline io::Task<Result<void>> keep(SnapshotStore& store, KeptSnapshot& record, std::unique_ptr<SnapshotWriter> writer, LogId id) {
  KeptSnapshot kept = co_await or_return(store.finish(*writer, id, three()));
  record = kept;  // the group's record is durable
  store.set_newest(std::move(writer), std::move(kept));
  co_return Result<void>();
}

/// Two files made in pieces that alternate, a whole one, and one in a folder; each tells the index.
inline io::Task<Result<void>> save(SnapshotStore& store, KeptSnapshot& record, int64_t index) {
  auto writer = co_await or_return(store.begin(index));
  for (int i = 0; i < 3; ++i) {
    co_await or_return(writer->append("a", Bytes::copy_of(fmt::format("a{}.{} ", index, i))));
    co_await or_return(writer->append("deep/er/b", Bytes::copy_of(fmt::format("b{}.{} ", index, i))));
  }
  co_await or_return(writer->put("value", Bytes::copy_of(std::to_string(index))));
  co_return co_await keep(store, record, std::move(writer), {.index = index, .term = 3});
}

}  // namespace sofa::raft::testing
