#pragma once
// Several servers of the sample service, which tell who answered.

#include <set>

#include "sample.h"

namespace sofa::rpc::testing {

/// Servers on loopback that answer echo with their number, "slow" after a minute.
struct Servers {
  std::vector<std::unique_ptr<RunningServer>> running;
  std::vector<std::shared_ptr<Sample>> services;
  std::atomic<int> stuck{-1};  // this one answers nothing

  Task<Result<void>> start(int count) {
    for (int i = 0; i < count; ++i) {
      services.push_back(make_sample());
      services.back()->echo = [i, this](Text text) -> Task<Result<Text>> {
        if (text == "slow" || stuck == i) co_await or_return(io::sleep_for(60s));
        co_return fmt::format("{}:{}", i, text.value_or("null"));
      };
      running.push_back(co_await or_return(Server(ServerOptions{.port = 0}).add(services.back(), {.thread_safe = true}).start()));
    }
    co_return Result<void>();
  }
  std::string urls(std::vector<std::string> queries = {}) const {
    std::string urls;
    for (size_t i = 0; i < running.size(); ++i) urls += at(running[i]) + (i < queries.size() ? queries[i] : "") + ",";
    return urls;
  }
  Task<Result<void>> stop() {
    for (auto& server : running) co_await or_return(server->stop());
    co_return Result<void>();
  }
};

/// The number of the server that answers a key.
inline Task<Result<char>> who(Sample& client, std::string key) {
  const Text answer = co_await or_return(client.echo(key));
  co_return answer.value_or("?").front();
}

/// Calls until every server has answered once, so that all are connected.
inline Task<Result<void>> warm_up(Sample& client, size_t servers) {
  std::set<char> seen;
  for (int i = 0; i < 5000 && seen.size() < servers; ++i) {
    seen.insert(co_await or_return(who(client, std::to_string(i))));
    co_await or_return(io::sleep_for(1ms));
  }
  EXPECT_EQ(seen.size(), servers);
  co_return Result<void>();
}

}  // namespace sofa::rpc::testing
