#include "sofa/state/raft/file_service.h"

#include <gtest/gtest.h>

#include "recorded.h"
#include "snapshot_life.h"
#include "sofa/base/crc.h"
#include "sofa/io/shard.h"
#include "sofa/io/task_group.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft {
namespace {

using namespace testing;
using jraft::GetFileRequest;
using jraft::GetFileResponse;
using jraft::Message;
using jraft::RaftError;
using log::testing::FaultFileSystem;

TEST(Throttle, LetsSoMuchPassInEachCycleAndNoMore) {
  SnapshotThrottle throttle(1000, 10);
  const Instant begin = Instant() + std::chrono::hours(1);
  EXPECT_EQ(throttle.admit(begin, 60), 60u);
  EXPECT_EQ(throttle.admit(begin, 60), 40u);
  EXPECT_EQ(throttle.admit(begin + std::chrono::milliseconds(99), 60), 0u);
  EXPECT_EQ(throttle.next_cycle(), begin + std::chrono::milliseconds(100));
  throttle.give_back(25);
  EXPECT_EQ(throttle.admit(begin + std::chrono::milliseconds(99), 60), 25u);
  EXPECT_EQ(throttle.admit(begin + std::chrono::milliseconds(100), 1000), 100u);
  EXPECT_EQ(SnapshotThrottle().admit(begin, 1 << 30), uint64_t{1} << 30) << "no bound";
  EXPECT_EQ(SnapshotThrottle(1).admit(begin, 10), 1u) << "never nothing for ever";
}

struct File {
  std::string name, content;
};

/// A group that offers a snapshot of entry 7, and a place for another node's.
class Peers {
 public:
  using Body = std::function<io::Task<Result<void>>(Peers& peers)>;
  static void meet(std::vector<File> files, const Body& body, SnapshotThrottle throttle = SnapshotThrottle()) {
    Peers peers(throttle);
    KeptSnapshot record;
    const auto done = Life::live(peers.disk, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
      auto writer = co_await or_return(store.begin(7));
      for (const File& file : files) co_await or_return(writer->append(file.name, Bytes::copy_of(file.content)));
      co_await or_return(keep(store, kept, std::move(writer), {.index = 7, .term = 2}));
      peers.leader = &store;
      peers.reader_id = peers.service.add(store.open_newest());
      peers.expected = *local_meta_of(kept).meta;
      peers.follower = SnapshotStore::make(peers.disk, kTheirs);
      co_await or_return(peers.follower->recover({}));
      auto outcome = co_await body(peers);
      peers.follower = nullptr;
      co_return outcome;
    });
    EXPECT_TRUE(done) << done.error().to_string();
  }

  /// Fetches into a writer that is dropped unless all is well; then what has come is the follower's newest.
  io::Task<Result<jraft::LocalSnapshotPbMeta>> fetch(AskFile ask, FetchOptions options = quick()) {
    auto writer = co_await or_return(follower->begin(expected.last_included_index));
    const auto own = follower->open_newest();
    auto meta = co_await or_return(fetch_snapshot(std::move(ask), reader_id, expected, *writer, own.get(), throttle_of_follower, options, progress));
    const LogId id{.index = expected.last_included_index, .term = expected.last_included_term};
    KeptSnapshot kept = co_await or_return(follower->finish(*writer, id, three()));
    follower->set_newest(std::move(writer), std::move(kept));
    co_return meta;
  }
  io::Task<Result<jraft::LocalSnapshotPbMeta>> fetch(FetchOptions options = quick()) { return fetch(plain(), options); }
  AskFile plain() {
    return [this](GetFileRequest request) { return ask(std::move(request)); };
  }
  io::Task<Result<Message>> ask(GetFileRequest request) {
    asked.push_back(request);
    in_flight_most = std::max(in_flight_most, ++in_flight);
    Message answer = co_await service.get_file(std::move(request));
    --in_flight;
    co_return answer;
  }
  /// All files of the newest there, as they were given.
  io::Task<Result<void>> expect_files(const std::vector<File>& files) {
    auto reader = follower->open_newest();
    if (reader == nullptr) co_return fail(Code::not_found, "nothing was fetched");
    EXPECT_EQ(reader->kept().files.size(), files.size());
    for (const File& file : files) EXPECT_TRUE((co_await or_return(reader->get(file.name))).text() == file.content) << file.name;
    co_return Result<void>();
  }
  static FetchOptions quick() {
    FetchOptions options;
    options.retry_wait = options.throttled_wait = std::chrono::milliseconds(1);
    return options;
  }

  static constexpr const char* kTheirs = "/data/snapshot/theirs";
  FaultFileSystem disk{};
  SnapshotThrottle throttle;
  SnapshotThrottle throttle_of_follower{};
  Pace pace{{}};
  FileService service{1, throttle, pace};
  int64_t reader_id = 0;
  jraft::SnapshotMeta expected{};
  SnapshotStore* leader = nullptr;
  std::unique_ptr<SnapshotStore> follower{};
  FetchProgress progress{};
  std::vector<GetFileRequest> asked{};
  int in_flight = 0, in_flight_most = 0;

 private:
  explicit Peers(SnapshotThrottle bound) : throttle(bound) {}
};

std::vector<File> some_files() {
  const uint64_t seed = test_seed();
  return {{"data", big(1'000'003, seed)}, {"empty", ""}, {"even", big(2 * 131'072, seed + 1)}, {"deep/er/file", "small"}, {"one", "1"}};
}

GetFileResponse response_of(const Message& message) {
  const auto* response = std::get_if<GetFileResponse>(&message);
  if (response == nullptr) ADD_FAILURE() << std::get<jraft::ErrorResponse>(message).message.value_or("");
  return response == nullptr ? GetFileResponse() : *response;
}
jraft::ErrorResponse refused(const Message& message) {
  const auto* error = std::get_if<jraft::ErrorResponse>(&message);
  EXPECT_NE(error, nullptr) << "it was answered";
  return error == nullptr ? jraft::ErrorResponse() : *error;
}
void expect_refused(const Message& message, RaftError code, const std::string& text) {
  EXPECT_EQ(refused(message).code, static_cast<int32_t>(code));
  EXPECT_EQ(refused(message).message, text);
}

/// The files of the recorded snapshots, as the recorded answers give them.
std::string recorded_data(const std::vector<std::string>& names) {
  std::string all;
  for (const Frame& frame : recorded()) {
    for (const std::string& name : names) {
      if (frame.name != name) continue;
      all += jraft::decode<GetFileResponse>(frame.bytes())->data.text();
      if (name == "get file: chunk 2 of 3 (answer)") all.append(1500, '?');  // the third was not recorded
    }
  }
  return all;
}

TEST(FileService, AnswersAsTheRecordedNode) {
  const std::map<std::string, std::string> data = {
      {"get file: small file in one answer", recorded_data({"get file: small file in one answer (answer)"})},
      {"get file: chunk", recorded_data({"get file: chunk 1 of 3 (answer)", "get file: chunk 2 of 3 (answer)", "get file: chunk 4, last (answer)"})}};
  int compared = 0;
  for (const auto& [kind, content] : data) {
    Peers::meet({{"data", content}}, [&](Peers& peers) -> io::Task<Result<void>> {
      std::string name;
      for (const Frame& frame : recorded()) {
        if (frame.name.ends_with("(answer)") && frame.name == name + " (answer)") {
          GetFileRequest request = *jraft::decode<GetFileRequest>(frame_of(name).bytes());
          request.reader_id = peers.reader_id;
          EXPECT_EQ(to_hex(jraft::encode(response_of(co_await peers.service.get_file(request)))), frame.body) << name;
          ++compared;
        }
        name = frame.name.starts_with(kind) ? frame.name : "";
      }
      co_return Result<void>();
    });
  }
  EXPECT_EQ(compared, 4);
}

TEST(FileService, GivesTheMetaAsTheRecordedNodeButWithChecksums) {
  FaultFileSystem disk;
  KeptSnapshot record;
  const auto done = Life::live(disk, record, [](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    auto writer = co_await or_return(store.begin(19));
    co_await or_return(writer->put("data", Bytes::copy_of("content")));
    co_await or_return(keep(store, kept, std::move(writer), {.index = 19, .term = 1}));
    SnapshotThrottle throttle;
    Pace pace({});
    FileService service(1, throttle, pace);
    GetFileRequest request = *jraft::decode<GetFileRequest>(frame_of("get file: snapshot meta").bytes());
    request.reader_id = service.add(store.open_newest());
    GetFileResponse response = response_of(co_await service.get_file(request));
    auto meta = co_await or_return(jraft::decode<jraft::LocalSnapshotPbMeta>(response.data));
    EXPECT_EQ(meta.files.at(0).meta.checksum, fmt::format("crc32c:{:08x}:7", crc32c(as_bytes("content"))));
    meta.files.at(0).meta.checksum = std::nullopt;
    response.data = jraft::encode(meta);
    EXPECT_EQ(to_hex(jraft::encode(response)), frame_of("get file: snapshot meta (answer)").body);
    co_return Result<void>();
  });
  EXPECT_TRUE(done) << done.error().to_string();
}

TEST(FileService, RefusesWhatIsNoneOfItsFiles) {
  Peers::meet({{"data", std::string(2000, '0')}}, [](Peers& peers) -> io::Task<Result<void>> {
    const GetFileRequest good{.reader_id = peers.reader_id, .filename = "data", .count = 5, .offset = 0, .read_partly = true};
    const auto changed = [&](auto change) {
      GetFileRequest request = good;
      change(request);
      return peers.service.get_file(request);
    };
    EXPECT_EQ(response_of(co_await peers.service.get_file(good)).data.size(), 1024u) << "as JRaft";
    const std::string invalid = fmt::format("Invalid request: reader_id: {} filename: ", peers.reader_id);
    expect_refused(co_await changed([](auto& r) { r.count = 0; }), RaftError::erequest, invalid + "\"data\" count: 0 offset: 0");
    expect_refused(co_await changed([](auto& r) { r.offset = -1; }), RaftError::erequest, invalid + "\"data\" count: 5 offset: -1");
    for (const char* outside : {"../5-1/data", "/etc/passwd", "a/../../b", "..", "", "a\\b"}) {
      EXPECT_EQ(refused(co_await changed([&](auto& r) { r.filename = outside; })).code, static_cast<int32_t>(RaftError::erequest)) << outside;
    }
    expect_refused(co_await changed([](auto& r) { r.filename = "other"; }), RaftError::enoent,
                   fmt::format("Fail to find file=other of reader={}", peers.reader_id));
    const GetFileResponse behind = response_of(co_await changed([](auto& r) { r.offset = 1 << 20; }));
    EXPECT_TRUE(behind.eof && behind.data.empty() && behind.read_size == -1);
    const GetFileResponse all = response_of(co_await changed([](auto& r) { r.count = INT64_MAX; }));
    EXPECT_TRUE(all.eof && all.data.size() == 2000 && all.read_size == -1);
    peers.service.remove(peers.reader_id);
    expect_refused(co_await peers.service.get_file(good), RaftError::enoent, fmt::format("Fail to find reader={}", peers.reader_id));
    EXPECT_EQ(peers.service.size(), 0u);
    co_return Result<void>();
  });
}

TEST(FileService, UnknownReadersAreRefusedAsRecorded) {
  Peers::meet({}, [](Peers& peers) -> io::Task<Result<void>> {
    const auto request = *jraft::decode<GetFileRequest>(frame_of("error: unknown file reader").bytes());
    EXPECT_EQ(to_hex(jraft::encode(refused(co_await peers.service.get_file(request)))), frame_of("error: unknown file reader (answer)").body);
    co_return Result<void>();
  });
}

TEST(FileService, AnswersAreShorterWhenItIsThrottledAndEagainWhenNothingIsLeft) {
  Peers::meet(
      {{"data", std::string(100'000, 'x')}},
      [](Peers& peers) -> io::Task<Result<void>> {
        const GetFileRequest request{.reader_id = peers.reader_id, .filename = "data", .count = 6000, .offset = 0, .read_partly = true};
        EXPECT_EQ(response_of(co_await peers.service.get_file(request)).data.size(), 6000u);
        const GetFileResponse shorter = response_of(co_await peers.service.get_file(request));
        EXPECT_TRUE(!shorter.eof && shorter.data.size() == 4000 && shorter.read_size == 4000);
        expect_refused(co_await peers.service.get_file(request), RaftError::eagain, "Reading data is throttled, ask again");
        co_return Result<void>();
      },
      SnapshotThrottle(10'000, 1));
}

TEST(FileService, ADiskThatHasChangedAFileNeverGivesItWholeToAPeer) {
  Peers::meet({{"data", std::string(5000, 'x')}}, [](Peers& peers) -> io::Task<Result<void>> {
    peers.disk.flip_bit(std::string(kFolder) + "/7-1/data", 123, 4);
    GetFileRequest request{.reader_id = peers.reader_id, .filename = "data", .count = 3000, .offset = 0, .read_partly = true};
    set_log_level("raft", LogLevel::off);
    EXPECT_EQ(response_of(co_await peers.service.get_file(request)).data.size(), 3000u);
    request.offset = 3000;
    EXPECT_EQ(refused(co_await peers.service.get_file(request)).code, static_cast<int32_t>(RaftError::eio));
    co_return Result<void>();
  });
}

class FetchInParallel : public ::testing::TestWithParam<int> {};

TEST_P(FetchInParallel, BringsEveryFileByteForByte) {
  const auto files = some_files();
  Peers::meet(files, [&](Peers& peers) -> io::Task<Result<void>> {
    FetchOptions options = Peers::quick();
    options.parallel = GetParam();
    const auto meta = co_await or_return(peers.fetch(options));
    EXPECT_EQ(meta.files.size(), files.size());
    EXPECT_EQ(peers.progress.files, files.size());
    EXPECT_EQ(peers.progress.files_done, files.size());
    EXPECT_EQ(peers.progress.bytes, 1'000'003u + 2 * 131'072 + 6);
    EXPECT_LE(peers.in_flight_most, GetParam());
    EXPECT_GE(peers.in_flight_most, std::min(GetParam(), 2));
    for (const GetFileRequest& request : peers.asked) {
      if (request.filename != kSnapshotMetaName) EXPECT_LE(static_cast<uint64_t>(request.count), options.piece);
    }
    co_return co_await peers.expect_files(files);
  });
}

TEST_P(FetchInParallel, GoesOnWhereItWasAfterAFailedCall) {
  const auto files = some_files();
  Peers::meet(files, [&](Peers& peers) -> io::Task<Result<void>> {
    FetchOptions options = Peers::quick();
    options.parallel = GetParam();
    uint64_t given = 0;
    std::map<std::pair<std::string, int64_t>, int> attempts;
    const AskFile failing = [&](GetFileRequest request) -> io::Task<Result<Message>> {
      switch (++attempts[{request.filename, request.offset}]) {
        case 1:
        case 2:
          co_return fail(Code::unavailable, "the connection is closed");
        case 3:
          co_return jraft::ErrorResponse{.code = static_cast<int32_t>(RaftError::ebusy), .message = "busy"};
        case 4:
          co_return GetFileResponse{.error = jraft::ErrorResponse{.code = static_cast<int32_t>(RaftError::eagain)}};
      }
      auto answer = co_await peers.ask(std::move(request));
      given += std::get<GetFileResponse>(*answer).data.size();
      co_return answer;
    };
    co_await or_return(peers.fetch(failing, options));
    EXPECT_LT(given, 1'000'003u + 2 * 131'072 + 6 + 1000) << "nothing comes twice";
    co_return co_await peers.expect_files(files);
  });
}

TEST_P(FetchInParallel, AFileThatChangesOnTheWayIsFetchedAgain) {
  const auto files = some_files();
  Peers::meet(files, [&](Peers& peers) -> io::Task<Result<void>> {
    FetchOptions options = Peers::quick();
    options.parallel = GetParam();
    uint64_t spoilt = 0, spoil_most = 2;
    const AskFile spoiling = [&](GetFileRequest request) -> io::Task<Result<Message>> {
      const bool data = request.filename == "data";
      auto answer = co_await peers.ask(std::move(request));
      auto* response = std::get_if<GetFileResponse>(&*answer);
      if (!data || response == nullptr || response->data.empty() || spoilt == spoil_most) co_return answer;
      ++spoilt;
      std::string content(response->data.text());
      content[content.size() / 2] ^= 1;
      response->data = Bytes::copy_of(content);
      co_return answer;
    };
    set_log_level("raft", LogLevel::off);
    co_await or_return(peers.fetch(spoiling, options));
    co_await or_return(peers.expect_files(files));
    EXPECT_EQ(spoilt, 2u);
    spoil_most = UINT64_MAX;
    auto writer = co_await or_return(peers.follower->begin(8));
    const auto never =
        co_await fetch_snapshot(spoiling, peers.reader_id, peers.expected, *writer, nullptr, peers.throttle_of_follower, options, peers.progress);
    EXPECT_EQ(never.error().code(), Code::data_loss);
    EXPECT_NE(never.error().message().find("The file data of the snapshot has 1000003 bytes with the checksum"), std::string_view::npos)
        << never.error().to_string();
    co_return Result<void>();
  });
}

INSTANTIATE_TEST_SUITE_P(All, FetchInParallel, ::testing::Values(1, 2, 7), ::testing::PrintToStringParamName());

TEST(Fetch, FilesWithoutAChecksumOfOursAreTakenAsTheyCome) {
  const auto files = some_files();
  Peers::meet(files, [&](Peers& peers) -> io::Task<Result<void>> {
    const AskFile java = [&](GetFileRequest request) -> io::Task<Result<Message>> {
      const bool is_meta = request.filename == kSnapshotMetaName;
      auto answer = co_await peers.ask(std::move(request));
      if (!is_meta) co_return answer;
      auto& response = std::get<GetFileResponse>(*answer);
      auto meta = co_await or_return(jraft::decode<jraft::LocalSnapshotPbMeta>(response.data));
      for (size_t i = 0; i < meta.files.size(); ++i)
        meta.files[i].meta.checksum = i == 0 ? std::nullopt : std::optional<std::string>("9f86d081884c7d65");
      response.data = jraft::encode(meta);
      co_return answer;
    };
    FetchOptions options = Peers::quick();
    options.parallel = 3;
    co_await or_return(peers.fetch(java, options));
    co_await or_return(peers.expect_files(files));
    const auto again = local_meta_of(peers.follower->open_newest()->kept());
    EXPECT_TRUE(FileSum::parse(*again.files[0].meta.checksum)) << "who fetches it from here can tell";
    EXPECT_EQ(again.files[1].meta.checksum, "9f86d081884c7d65");
    co_return Result<void>();
  });
}

TEST(Fetch, AnErrorThatStaysIsTheEnd) {
  Peers::meet({{"data", "x"}}, [](Peers& peers) -> io::Task<Result<void>> {
    int calls = 0;
    const AskFile dead = [&](GetFileRequest) -> io::Task<Result<Message>> {
      ++calls;
      co_return fail(Code::unavailable, "the connection is closed");
    };
    EXPECT_EQ((co_await peers.fetch(dead)).error().message(), "the connection is closed");
    EXPECT_EQ(calls, 4) << "once, and three times again";
    peers.service.remove(peers.reader_id);
    EXPECT_EQ((co_await peers.fetch()).error().code(), Code::unavailable);
    EXPECT_EQ(peers.asked.size(), 1u) << "a reader that is gone does not come back";
    co_return Result<void>();
  });
}

TEST(Fetch, WaitsForAThrottledPeerUntilItsDeadline) {
  Peers::meet({{"data", "x"}}, [](Peers& peers) -> io::Task<Result<void>> {
    int calls = 0, throttled = 20;
    const AskFile busy = [&](GetFileRequest request) -> io::Task<Result<Message>> {
      if (++calls <= throttled) co_return jraft::ErrorResponse{.code = static_cast<int32_t>(RaftError::eagain)};
      co_return co_await peers.ask(std::move(request));
    };
    co_await or_return(peers.fetch(busy));
    EXPECT_EQ(calls, 22);
    throttled = INT_MAX;
    peers.expected.last_included_index = 8;
    const auto late = co_await io::with_timeout(std::chrono::milliseconds(50), peers.fetch(busy));
    EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
    co_return Result<void>();
  });
}

TEST(Fetch, StaysBelowItsOwnThrottle) {
  Peers::meet({{"data", std::string(3000, 'x')}}, [](Peers& peers) -> io::Task<Result<void>> {
    peers.throttle_of_follower = SnapshotThrottle(100'000, 100);  // 1000 bytes in 10 ms, of which JRaft's rule makes up to 1024
    const Instant begin = SystemClock::instance().now_monotonic();
    co_await or_return(peers.fetch());
    EXPECT_GE(SystemClock::instance().now_monotonic() - begin, std::chrono::milliseconds(19));
    EXPECT_EQ(peers.asked.size(), 4u);
    co_return co_await peers.expect_files({{"data", std::string(3000, 'x')}});
  });
}

TEST(Fetch, IsCancelledByItsScope) {
  Peers::meet(some_files(), [](Peers& peers) -> io::Task<Result<void>> {
    FetchOptions options = Peers::quick();
    options.parallel = 3;
    io::CancelSource source(co_await io::current_scope());
    int calls = 0;
    const AskFile cancelling = [&](GetFileRequest request) -> io::Task<Result<Message>> {
      if (++calls == 5) source.cancel("a newer snapshot is wanted");
      return peers.ask(std::move(request));
    };
    const auto fetched = co_await source.run(peers.fetch(cancelling, options));
    EXPECT_EQ(fetched.error().code(), Code::cancelled) << fetched.error().to_string();
    co_return Result<void>();
  });
}

TEST(Fetch, TakesOverFilesWithTheSameNameAndChecksum) {
  const auto files = some_files();
  Peers::meet(files, [&](Peers& peers) -> io::Task<Result<void>> {
    auto older = co_await or_return(peers.follower->begin(3));
    co_await or_return(older->put("data", Bytes::copy_of(files[0].content)));
    co_await or_return(older->put("even", Bytes::copy_of(files[2].content)));
    co_await or_return(older->put("one", Bytes::copy_of("2")));
    KeptSnapshot kept = co_await or_return(peers.follower->finish(*older, {.index = 3, .term = 1}, three()));
    peers.follower->set_newest(std::move(older), std::move(kept));
    peers.disk.flip_bit(std::string(Peers::kTheirs) + "/3-1/even", 200'000, 1);
    set_log_level("raft", LogLevel::off);
    co_await or_return(peers.fetch());
    EXPECT_EQ(peers.progress.files_taken_over, 1u) << "'one' is another, 'even' is rotten";
    EXPECT_EQ(peers.progress.files_done, files.size());
    for (const GetFileRequest& request : peers.asked) EXPECT_NE(request.filename, "data");
    co_return co_await peers.expect_files(files);
  });
}

TEST(Fetch, RefusesAListThatLies) {
  using Lie = std::function<void(jraft::LocalSnapshotPbMeta&)>;
  const std::pair<const char*, Lie> lies[] = {
      {"does not say which snapshot", [](auto& m) { m.meta = std::nullopt; }},
      {"it is of entry 8 in term 2", [](auto& m) { m.meta->last_included_index = 8; }},
      {"it is of entry 7 in term 3", [](auto& m) { m.meta->last_included_term = 3; }},
      {"with 2 peers", [](auto& m) { m.meta->peers.pop_back(); }},
      {"'../data' cannot be the name", [](auto& m) { m.files[0].name = "../data"; }},
      {"'/etc/passwd' cannot be the name", [](auto& m) { m.files[0].name = "/etc/passwd"; }},
      {"'__raft_snapshot_meta' cannot be the name", [](auto& m) { m.files[0].name = "__raft_snapshot_meta"; }},
      {"it names 'one' twice", [](auto& m) { m.files[0].name = "one"; }},
      {"it names 'one/x' and a file of this name", [](auto& m) { m.files[0].name = "one/x"; }},
      {"it names 6 files, at most 5 are taken", [](auto& m) { m.files.push_back({.name = "more"}); }},
      {"more than 2000000 bytes", [](auto& m) { m.files[0].meta.checksum = "crc32c:00000000:2000001"; }},
      {"more than 2000000 bytes", [](auto& m) { m.files[0].meta.checksum = "crc32c:00000000:18446744073709551615"; }},
      {"goes on behind 3 bytes", [](auto& m) { m.files[3].meta.checksum = "crc32c:00000000:3"; }},
      {"ends at", [](auto& m) { m.files[0].meta.checksum = "crc32c:00000000:900000"; }},
      {"ends at", [](auto& m) { m.files[0].meta.checksum = "crc32c:00000000:1100000"; }},
      {"with the checksum", [](auto& m) { m.files[0].meta.checksum = "crc32c:00000000:1000003"; }},
  };
  for (const auto& [text, lie] : lies) {
    SCOPED_TRACE(text);
    Peers::meet(some_files(), [&](Peers& peers) -> io::Task<Result<void>> {
      const AskFile lying = [&](GetFileRequest request) -> io::Task<Result<Message>> {
        const bool is_meta = request.filename == kSnapshotMetaName;
        auto answer = co_await peers.ask(std::move(request));
        if (!is_meta) co_return answer;
        auto& response = std::get<GetFileResponse>(*answer);
        auto meta = co_await or_return(jraft::decode<jraft::LocalSnapshotPbMeta>(response.data));
        lie(meta);
        response.data = jraft::encode(meta);
        co_return answer;
      };
      FetchOptions options = Peers::quick();
      options.most_bytes = 2'000'000;
      options.most_files = 5;
      options.parallel = 2;
      set_log_level("raft", LogLevel::off);
      const auto fetched = co_await peers.fetch(lying, options);
      EXPECT_FALSE(fetched);
      if (fetched) co_return Result<void>();
      EXPECT_EQ(fetched.error().code(), Code::data_loss);
      EXPECT_NE(fetched.error().to_string().find(text), std::string::npos) << fetched.error().to_string();
      EXPECT_EQ(peers.follower->open_newest(), nullptr);
      co_return Result<void>();
    });
  }
}

TEST(Fetch, RefusesAnswersThatLie) {
  const std::function<Message(GetFileResponse)> lies[] = {
      [](GetFileResponse r) { return r.data = Bytes::copy_of(std::string(200'000, 'x')), r; },
      [](GetFileResponse r) { return r.eof = false, r.read_size = 1, r; },
      [](GetFileResponse r) { return r.eof = false, r.data = {}, r.read_size = 0, r; },
      [](GetFileResponse r) { return r.eof = !r.eof, r.read_size = r.data.size(), r; },
      [](GetFileResponse) { return jraft::ReadIndexResponse{}; },
  };
  for (const auto& lie : lies) {
    Peers::meet(some_files(), [&](Peers& peers) -> io::Task<Result<void>> {
      for (const bool about_the_list : {true, false}) {
        const AskFile lying = [&](GetFileRequest request) -> io::Task<Result<Message>> {
          const bool lies_now = (request.filename == kSnapshotMetaName) == about_the_list;
          auto answer = co_await peers.ask(std::move(request));
          if (lies_now) co_return lie(std::get<GetFileResponse>(std::move(*answer)));
          co_return answer;
        };
        EXPECT_FALSE(co_await peers.fetch(lying));
        EXPECT_EQ(peers.follower->open_newest(), nullptr);
      }
      co_return Result<void>();
    });
  }
}

}  // namespace
}  // namespace sofa::raft
