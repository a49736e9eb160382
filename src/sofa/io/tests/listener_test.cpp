#include "sofa/io/listener.h"

#include <gmock/gmock.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fixture.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/io/detail/port_holder.h"

namespace sofa::io {
namespace {

class ListenerTest : public testing::Test {
 protected:
  Runtime runtime_{{.shards = 2}};
};

TEST_F(ListenerTest, ATakenPortIsOneSentenceThatNamesHolderAndOption) {
  run_ok(runtime_, []() -> Body {
    for (const char* host : {"127.0.0.1", "::1"}) {
      Listener first = co_await or_return(Listener::bind(Address::of(host, 0)));
      auto second = Listener::bind(first.local(), {.option_name = "--port"});
      EXPECT_FALSE(second.has_value());
      const std::string text = second.error().to_string();
      EXPECT_EQ(second.error().code(), Code::already_exists);
      EXPECT_NE(text.find(fmt::format("port {} is taken", first.local().port())), std::string::npos) << text;
      EXPECT_NE(text.find(fmt::format("pid {} (", ::getpid())), std::string::npos) << text;
      EXPECT_NE(text.find("--port"), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos);
    }
    co_return kOk;
  });
}

/// A process file system of the test's own making, under the temporary folder.
class FakeProc {
 public:
  FakeProc() : path_(fmt::format("{}/sofa-io-test-proc-{}", testing::TempDir(), ::getpid())) { std::filesystem::create_directories(path_ / "net"); }
  ~FakeProc() { std::filesystem::remove_all(path_); }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  void add_socket(const std::string& pid, unsigned inode) const {
    std::filesystem::create_directories(path_ / pid / "fd");
    std::filesystem::create_symlink(fmt::format("socket:[{}]", inode), path_ / pid / "fd" / "3");
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

constexpr const char* kUnseen = "a process that cannot be seen from here";
// Port 8080 (0x1F90) listens as inode 77; the same port of a connection is inode 78.
constexpr const char* kTcpTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0000000000000000 20 4 30 10 -1\n";

TEST(PortHolder, WithoutAProcessFileSystemItSaysSo) {
  EXPECT_EQ(detail::describe_holder(Address::of("127.0.0.1", 8080), "/nowhere"), kUnseen);
  EXPECT_EQ(detail::describe_holder(Address::unix_path("/tmp/x.sock"), "/nowhere"), kUnseen);
}

TEST(PortHolder, FindsTheListenerAndNotAConnection) {
  FakeProc proc;
  proc.write("net/tcp", kTcpTable);
  proc.add_socket("41", 78);
  proc.write("41/comm", "client\n");
  EXPECT_EQ(detail::describe_holder(Address::of("127.0.0.1", 8080), proc.path()), kUnseen);  // its process may not be looked into
  proc.add_socket("42", 77);
  EXPECT_EQ(detail::describe_holder(Address::of("127.0.0.1", 8080), proc.path()), "pid 42 (?)");
  proc.write("42/comm", "java\n");
  EXPECT_EQ(detail::describe_holder(Address::of("127.0.0.1", 8080), proc.path()), "pid 42 (java)");
  EXPECT_EQ(detail::describe_holder(Address::of("127.0.0.1", 8081), proc.path()), kUnseen);
}

TEST(PortHolder, GarbledTablesAreNoHolder) {
  FakeProc proc;
  proc.write("net/tcp", "\n\n  x: y\n   0: 0100007F:1F90\n" + std::string(2000, 'z'));
  proc.write("net/unix", "Num\n: : :\n" + std::string(2000, 'z'));
  EXPECT_EQ(detail::describe_holder(Address::of("127.0.0.1", 8080), proc.path()), kUnseen);
  EXPECT_EQ(detail::describe_holder(Address::unix_path("/tmp/x.sock"), proc.path()), kUnseen);
}

TEST_F(ListenerTest, ATakenUnixPathNamesItsHolderAndADeadOneIsReplaced) {
  run_ok(runtime_, []() -> Body {
    const Address path = temporary_path();
    {
      Listener first = co_await or_return(Listener::bind(path));
      auto second = Listener::bind(path, {.option_name = "--socket"});
      EXPECT_FALSE(second.has_value());
      EXPECT_NE(second.error().to_string().find(fmt::format("pid {} (", ::getpid())), std::string::npos) << second.error().to_string();
    }
    EXPECT_NE(::access(path.host().c_str(), F_OK), 0);
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_storage raw{};
    const unsigned length = co_await or_return(path.to_sockaddr(raw));
    EXPECT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&raw), length), 0);
    ::close(dead);
    Listener again = co_await or_return(Listener::bind(path));
    co_return kOk;
  });
}

TEST_F(ListenerTest, ADualStackListenerTakesIPv4Too) {
  run_ok(runtime_, []() -> Body {
    Listener listener = co_await or_return(Listener::bind(Address::of("::", 0)));
    Stream four = co_await or_return(Stream::connect(Address::of("127.0.0.1", listener.local().port())));
    Stream accepted = co_await or_return(listener.accept());
    EXPECT_EQ(accepted.peer().host(), "127.0.0.1");
    Stream six = co_await or_return(Stream::connect(Address::of("::1", listener.local().port())));
    EXPECT_EQ((co_await or_return(listener.accept())).peer().host(), "::1");
    co_return kOk;
  });
}

TEST_F(ListenerTest, TakesEveryAddressOfANameWithOnePort) {
  run_ok(runtime_, []() -> Body {
    const std::vector<Address> both{Address::of("127.0.0.1", 0), Address::of("::1", 0), Address::of("127.0.0.1", 0)};
    std::vector<Listener> listeners = co_await or_return(Listener::bind_all(both));
    EXPECT_EQ(listeners.size(), 2u) << "a name may list an address twice";
    for (Listener& listener : listeners) {
      EXPECT_EQ(listener.local().port(), listeners.front().local().port());
      Stream client = co_await or_return(Stream::connect(listener.local()));
      EXPECT_EQ((co_await or_return(listener.accept())).peer().host(), listener.local().host());
    }
    const auto taken = Listener::bind_all({listeners.back().local(), listeners.front().local()}, {.option_name = "--port"});
    EXPECT_EQ(taken.error().code(), Code::already_exists);
    EXPECT_NE(taken.error().to_string().find("--port"), std::string::npos);
    EXPECT_EQ(Listener::bind_all({}).error().code(), Code::invalid_argument);
    co_return kOk;
  });
}

TEST_F(ListenerTest, LeavesOutAddressesThatThisMachineDoesNotHave) {
  run_ok(runtime_, []() -> Body {
    const Address elsewhere = Address::of("192.0.2.1", 0);
    EXPECT_EQ((co_await or_return(Listener::bind_all({elsewhere, loopback()}))).size(), 1u);
    const auto none = Listener::bind_all({elsewhere});
    EXPECT_FALSE(none);
    EXPECT_NE(none.error().to_string().find("cannot listen on 192.0.2.1"), std::string::npos) << none.error().to_string();
    co_return kOk;
  });
}

TEST_F(ListenerTest, ResolvesANameAndNamesOneThatCannotBe) {
  run_ok(runtime_, []() -> Body {
    std::vector<Listener> listeners = co_await or_return(Listener::bind_name(Address::of("localhost", 0)));
    EXPECT_TRUE(listeners.front().local().is_loopback());
    Stream client = co_await or_return(Stream::connect(Address::of("localhost", listeners.front().local().port())));
    const auto unknown = co_await with_timeout(seconds(10), Listener::bind_name(Address::of("no-such-host.invalid", 0)));
    EXPECT_FALSE(unknown);
    EXPECT_NE(unknown.error().to_string().find("no-such-host.invalid"), std::string::npos) << unknown.error().to_string();
    co_return kOk;
  });
}

TEST_F(ListenerTest, ReusePortGivesEachShardItsListener) {
  run_ok(runtime_, [&]() -> Body {
    Listener first = co_await or_return(Listener::bind(loopback(), {.reuse_port = true}));
    const Address address = first.local();
    co_await or_return(on(runtime_.shard(1), [address]() -> Body {
      Listener second = co_await or_return(Listener::bind(address, {.reuse_port = true}));
      EXPECT_EQ(second.local(), address);
      co_return kOk;
    }));
    co_return kOk;
  });
}

TEST_F(ListenerTest, AnAcceptedSocketMovesToAnotherShard) {
  run_ok(runtime_, [&]() -> Body {
    Listener listener = co_await or_return(Listener::bind(loopback()));
    Stream client = co_await or_return(Stream::connect(listener.local()));
    AcceptedSocket socket = co_await or_return(listener.accept_socket());
    co_await or_return(client.write(Bytes::literal("hello")));
    client.flush();
    const std::string got = co_await or_return(on(runtime_.shard(1), [&socket]() -> Task<Result<std::string>> {
      Stream stream = co_await or_return(Stream::adopt(std::move(socket)));
      co_return co_await read_text(stream, 5);
    }));
    EXPECT_EQ(got, "hello");
    co_return kOk;
  });
}

TEST_F(ListenerTest, ClosingEndsAWaitingAccept) {
  run_ok(runtime_, []() -> Body {
    Listener listener = co_await or_return(Listener::bind(loopback()));
    TaskGroup group(co_await current_scope());
    std::optional<Code> code;
    group.spawn("accept", [](Listener& from, std::optional<Code>& into) -> Task<void> {
      auto accepted = co_await from.accept();
      into = accepted.error().code();
    }(listener, code));
    for (int i = 0; i < 3; ++i) co_await yield();
    listener.close();
    co_await or_return(co_await group.join());
    EXPECT_EQ(code, Code::unavailable);
    co_return kOk;
  });
}

/// Lowers the limit of open files to what is open now.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~NoMoreFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, WithoutDescriptorsItBacksOffAndGoesOnLater) {
  Reports reports;
  run_ok(runtime_, [&]() -> Body {
    Listener listener = co_await or_return(Listener::bind(loopback(), {.accept_backoff = milliseconds(20)}));
    Stream client = co_await or_return(Stream::connect(listener.local()));
    std::optional<NoMoreFiles> limit(std::in_place);
    auto accept = [&]() -> Task<Result<Stream>> { co_return co_await listener.accept(); };
    auto refused = co_await with_timeout(milliseconds(100), accept());
    EXPECT_EQ(refused.error().code(), Code::deadline_exceeded);
    limit.reset();
    EXPECT_TRUE(reports.contain("accepts no connections for now"));
    EXPECT_EQ(reports.size(), 1U);  // once a shortage, not once an attempt
    Stream accepted = co_await or_return(listener.accept());
    EXPECT_TRUE(accepted.is_open());
    co_return kOk;
  });
}

TEST(Report, GoesToTheLogUnlessASinkTakesIt) {
  CapturedLog log;
  report("a shard is held");
  EXPECT_THAT(log.lines(), testing::ElementsAre("warn io a shard is held"));
  Reports reports;
  report("another line");
  EXPECT_TRUE(reports.contain("another line"));
  EXPECT_FALSE(log.contains("another line"));
}

TEST(Address, ReadsAndPrintsTheFourForms) {
  const std::pair<const char*, Address::Kind> table[] = {{"127.0.0.1:80", Address::Kind::ipv4},
                                                         {"[::1]:8080", Address::Kind::ipv6},
                                                         {"unix:/tmp/x.sock", Address::Kind::unix_path},
                                                         {"db.example:5432", Address::Kind::name}};
  for (const auto& [text, kind] : table) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->kind(), kind) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(Address, RefusesWhatIsNoAddressWithASentence) {
  for (const char* text :
       {"", "127.0.0.1", ":80", "host:", "host:99999", "host:-1", "host:8o", "::1:80", "[::g]:80", "unix:", "a b:1", "[host]:80"}) {
    auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), Code::invalid_argument);
    EXPECT_NE(address.error().message().find(fmt::format("'{}'", text)), std::string::npos);
  }
  sockaddr_storage raw{};
  EXPECT_FALSE(Address::unix_path(std::string(200, 'x')).to_sockaddr(raw));
}

TEST(Dns, ResolvesOffTheLoopAndNamesWhatItCannot) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    const auto local = co_await or_return(resolve("localhost", 80));
    EXPECT_TRUE(std::ranges::all_of(local, [](const Address& a) { return a.is_loopback() && a.port() == 80; }));
    EXPECT_EQ((co_await or_return(resolve("::1", 1))).front().to_string(), "[::1]:1");
    auto unknown = co_await with_timeout(seconds(10), resolve("no-such-host.invalid", 80));
    EXPECT_FALSE(unknown.has_value());
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
