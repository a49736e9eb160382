#include "sofa/admin/tasks_part.h"

#include "harness.h"
#include "sofa/io/channel.h"

namespace sofa::admin {

/// Waits, under a name that the list shows.
io::Task<Result<void>> waits_for_the_test(io::Channel<int>& channel) {
  (void)co_await io::or_return(channel.receive());
  co_return Result<void>{};
}

namespace {

using namespace testing;
using ::testing::ContainsRegex;

TEST(Tasks, ThatWaitInOnePlaceAreOneRowWithTheirFunctions) {
  serve(
      {}, [](AdminServer& server) { server.add(std::make_shared<TasksPart>()); },
      [](AdminServer&, http::Channel& channel) -> io::Task<void> {
        io::Channel<int> never(1);
        io::TaskGroup group;
        for (int i = 0; i < 3; ++i) group.spawn("asks of the test", waits_for_the_test(never));
        co_await io::yield();
        const Got got = co_await ask(channel, "GET", "/v1/tasks");
        EXPECT_EQ(got.status, 200) << got.body;
        EXPECT_THAT(got.body, ContainsRegex(R"re("task":"asks of the test","functions":\[[^]]*waits_for_the_test[^]]*\],"count":3)re"));
        group.cancel();
        (void)co_await group.join();
      });
}

}  // namespace
}  // namespace sofa::admin
