// The contract over Triple, on SOFARPC's Java server and on Dubbo's.

#include "client_checks.h"

namespace interop {

namespace {

using namespace std::chrono_literals;
using sofa::interop::pb::Interop;

constexpr std::string_view kDubbo = "serialization=hessian4";

/// SOFARPC's server carries no class of an exception, and takes no message of 4 MiB.
bool is_beyond_sofarpc(const Check& check) {
  return check.name == "plusDays.past_the_last_year" || check.name.starts_with("getUser.no_level") || check.name == "echo.16_mib";
}

void sofarpc_errors(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"fail.has_no_class", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await peer.service->fail("runtime");
                      if (got) co_return sofa::fail(Code::data_loss, "it was answered");
                      co_return expect_true(got.error().code() == Code::unknown && got.error().detail<rpc::JavaException>() == nullptr,
                                            fmt::format("it is {}", got.error()));
                    }});
  checks.push_back({"no_such_unique_id", [&peer]() -> Task<Result<void>> {
                      auto nobody = co_await or_return(rpc::connect<InteropService>(peer.target, {.unique_id = "nobody"}));
                      const auto got = co_await nobody->echo("x");
                      co_return expect_true(!got, "it was answered");
                    }});
}

Graph<User> user_of(int64_t id) {
  Graph<User> user;
  user.set_root(make_user(user.arena(), id, nullptr));
  return user;
}

/// Empty ones, small ones, some of several frames: none is like the one before.
std::string text_of_mixed_size(size_t index) {
  constexpr size_t kSizes[] = {0, 1, 200, 3'000, 9'000, 16'379, 17'000};
  return letters(kSizes[index % std::size(kSizes)] + index / std::size(kSizes));
}

void java_streams(const Peer& peer, std::vector<Check>& checks) {
  const StreamService& s = *peer.streams;
  checks.push_back({"stream.server", [&s]() -> Task<Result<void>> {
                      auto users = co_await or_return(s.users(300));
                      for (int64_t id = 0; id < 300; ++id) {
                        const auto user = co_await or_return(users.read());
                        if (!user) co_return sofa::fail(Code::data_loss, "it ended before user {}", id);
                        const Graph<User> expected = user_of(id);
                        co_await or_return(expect_user(*expected, &**user));
                      }
                      const auto end = co_await or_return(users.read());
                      co_return expect_true(!end, "more users than asked for");
                    }});
  checks.push_back({"stream.server.fails", [&s]() -> Task<Result<void>> {
                      auto users = co_await or_return(s.users(-1));
                      const auto failed = co_await users.read();
                      co_return expect_true(!failed && failed.error().message().find("boom stream") != std::string_view::npos,
                                            failed ? "it did not fail" : failed.error().to_string());
                    }});
  checks.push_back({"stream.client", [&s]() -> Task<Result<void>> {
                      constexpr int64_t kUsers = 500;
                      auto total = co_await or_return(s.total());
                      for (int64_t id = 0; id < kUsers; ++id) co_await or_return(total.write(user_of(id)));
                      co_return expect_equal(kUsers * (kUsers - 1) / 2, co_await or_return(total.finish()));
                    }});
  checks.push_back({"stream.many_texts_of_mixed_sizes_at_once", [&s]() -> Task<Result<void>> {
                      constexpr size_t kTexts = 300;
                      auto shout = co_await or_return(s.shout());
                      for (size_t i = 0; i < kTexts; ++i) co_await or_return(shout.write(text_of_mixed_size(i)));
                      co_await or_return(shout.finish_writes());
                      for (size_t i = 0; i < kTexts; ++i) {
                        const auto answer = co_await or_return(shout.read());
                        co_await or_return(expect_true(answer == text_of_mixed_size(i) + "!", fmt::format("another text came back for text {}", i)));
                      }
                      co_return Result<void>();
                    }});
  checks.push_back({"stream.bidi", [&s]() -> Task<Result<void>> {
                      auto shout = co_await or_return(s.shout());
                      for (const std::string& text : {std::string("a"), std::string(), std::string("中文"), letters(100'000)}) {
                        co_await or_return(shout.write(text));
                        const auto answer = co_await or_return(shout.read());
                        co_await or_return(expect_true(answer == text + "!", "another text came back"));
                      }
                      co_await or_return(shout.finish_writes());
                      const auto end = co_await or_return(shout.read());
                      co_return expect_true(!end, "more texts than were sent");
                    }});
}

void attachments(const DubboInteropService& s, std::vector<Check>& checks) {
  checks.push_back({"attachment", [&s]() -> Task<Result<void>> {
                      rpc::CallResponse response;
                      const Text got = co_await or_return(s.attachment.with({.headers = {{"color", "blue"}}, .response = &response})("color"));
                      const std::string* answer = rpc::find_in(response.headers, "answer");
                      co_return expect_true(got == "blue" && answer != nullptr && *answer == "got", "the attachments did not travel both ways");
                    }});
  checks.push_back({"attachment.none", [&s]() -> Task<Result<void>> {
                      const Text got = co_await or_return(s.attachment("color"));
                      co_return expect_true(!got, "it is not null");
                    }});
}

}  // namespace

Task<Result<Peer>> connect_triple(std::string target) {
  const rpc::ClientOptions options{.app = "interop-client", .timeout = 20s, .connect_timeout = 10s, .max_frame = size_t{64} << 20};
  rpc::ClientOptions blue = options;
  blue.unique_id = "blue";
  Peer peer;
  peer.target = target;
  if (target.find(kDubbo) != std::string::npos) {
    peer.service = peer.dubbo = co_await or_return(rpc::connect<DubboInteropService>(target, options));
    peer.blue = co_await or_return(rpc::connect<DubboInteropService>(target, blue));
    peer.streams = co_await or_return(rpc::connect<DubboStreamService>(target, options));
    peer.generic = co_await or_return(rpc::GenericClient::connect(target, std::string(DubboInteropService::kName), options));
  } else {
    peer.service = co_await or_return(rpc::connect<InteropService>(target, options));
    peer.blue = co_await or_return(rpc::connect<InteropService>(target, blue));
    peer.streams = co_await or_return(rpc::connect<SofaStreamService>(target, options));
    peer.grpc = co_await or_return(rpc::connect<Interop>(target, options));
    peer.generic = co_await or_return(rpc::GenericClient::connect(target, std::string(InteropService::kName), options));
  }
  co_return peer;
}

void add_triple_checks(Peer& peer, std::vector<Check>& checks) {
  add_value_checks(peer, checks);
  add_object_checks(peer, checks);
  add_call_kind_checks(peer, checks);
  java_streams(peer, checks);
  add_generic_checks(peer, checks);
  if (peer.dubbo != nullptr) {
    add_exception_checks(peer, checks);
    attachments(*peer.dubbo, checks);
    add_generic_map_checks(peer, checks);
  } else {
    std::erase_if(checks, is_beyond_sofarpc);
    sofarpc_errors(peer, checks);
    add_proto_checks(peer, checks);
  }
}

}  // namespace interop
