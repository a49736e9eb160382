#pragma once
// Identities on a log in memory, with a clock that stands still and cheap passwords.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "sofa/identity/identities.h"
#include "sofa/identity/log_store.h"
#include "sofa/io/runtime.h"
#include "sofa/state/log/testing/fault_file_system.h"

namespace sofa::identity::testing {

/// An installation; its disk and clock stay over several runs.
struct World {
  log::testing::FaultFileSystem files{};
  ManualClock clock{};
  NodeKey node_key = NodeKey::of(std::array<uint8_t, NodeKey::kBytes>{7});
  IdentityOptions options{.password = {.memory_kib = 64, .passes = 1}};
  unsigned shards = 1;

  using Body = std::function<io::Task<Result<void>>(Identities& identities)>;
  /// Opens it, runs the body and closes it; an error of these is a failure of the test.
  void run(const Body& body) {
    auto done = try_run(body);
    EXPECT_TRUE(done) << done.error().to_string();
  }
  Result<void> try_run(const Body& body) {
    io::Runtime runtime({.shards = shards});
    return runtime.block_on(opened(body));
  }

 private:
  io::Task<Result<void>> opened(const Body& body) {
    auto store = co_await io::or_return(LogStore::open({.folder = "/identity"}, files));
    Result<void> done;
    {
      auto identities = co_await Identities::open(*store, node_key, clock, options);
      done = identities ? co_await body(**identities) : forward_error(identities);
    }
    (void)co_await store->close();
    co_return done;
  }
};

inline const Actor kRoot{.name = "root", .peer = "10.0.0.1"};

}  // namespace sofa::identity::testing
