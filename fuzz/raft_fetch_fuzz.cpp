// A node that offers a snapshot and may say anything: its list of files and its answers are the input. Nothing is written outside of the snapshot or
// beyond the bound, what is believed has the checksum that was promised, and everything else is an error that says why.
//
//   how u8 | length of the list u16 BE | list | answers: kind u8, length u16 BE, data
#include <map>
#include <set>

#include "input.h"
#include "must.h"
#include "sofa/base/crc.h"
#include "sofa/base/log.h"
#include "sofa/io/runtime.h"
#include "sofa/state/raft/file_service.h"

namespace {

using namespace sofa;
using namespace sofa::raft;
using fuzz::Input;
using fuzz::must;

constexpr uint64_t kMostBytes = 4096;

io::Runtime& runtime() {
  static auto& instance = *new io::Runtime({.shards = 1, .blocking_threads = 1, .file_threads = 1, .hold_limit = {}});  // never ends
  return instance;
}

/// Holds what it is given, and what must hold of it.
class Writer final : public SnapshotWriter {
 public:
  io::Task<Result<void>> put(std::string name, Bytes content, Bytes meta) override {
    return append(std::move(name), std::move(content), std::move(meta));
  }
  io::Task<Result<void>> append(std::string name, Bytes piece, Bytes) override {
    must(check_file_name(name).has_value());
    files[name].append(piece.text());
    bytes += piece.size();
    must(bytes <= 20 * kMostBytes);  // each file may be fetched four times, and once more in pieces
    co_return Result<void>();
  }
  const std::string& folder() const override { return folder_; }
  io::Task<Result<void>> add_file(std::string, Bytes) override { co_return fail(Code::unimplemented, "none is made here"); }
  io::Task<Result<void>> link(std::string name, const std::string& path, Bytes) override {
    must(check_file_name(name).has_value() && path == "/own/" + name && name == "own");
    files[name] = "own content";
    co_return Result<void>();
  }
  io::Task<Result<void>> remove(std::string name) override {
    must(files.erase(name) == 1);
    co_return Result<void>();
  }

  std::map<std::string, std::string> files;
  uint64_t bytes = 0;

 private:
  const std::string folder_ = "/new";
};

class Own final : public SnapshotReader {
 public:
  const KeptSnapshot& kept() const override { return kept_; }
  const std::string& folder() const override { return folder_; }
  io::Task<Result<Bytes>> get(std::string, uint64_t) override { co_return fail(Code::unimplemented, "it is read in pieces"); }
  io::Task<Result<Bytes>> read(std::string, uint64_t offset, uint64_t) override { co_return offset == 0 ? Bytes::literal("own content") : Bytes(); }

 private:
  const KeptSnapshot kept_{.id = {.index = 1, .term = 1}, .files = {{.name = "own", .size = 11, .crc32c = crc32c(as_bytes("own content"))}}};
  const std::string folder_ = "/own";
};

jraft::Message next_answer(Input& input) {
  if (input.empty()) return jraft::ErrorResponse{.code = 1012, .message = "Fail to find reader=1"};
  const uint8_t kind = input.byte();
  jraft::GetFileResponse response{.eof = (kind & 1) != 0, .data = input.bytes()};
  if ((kind & 2) != 0) response.read_size = response.eof ? -1 : static_cast<int64_t>(response.data.size());
  if ((kind & 4) != 0) response.read_size = kind;
  switch (kind >> 4) {
    case 1:
      return jraft::ErrorResponse{.code = 1002};
    case 2:
      return jraft::ErrorResponse{.code = 1014, .message = "disk"};
    case 3:
      response.error = jraft::ErrorResponse{.code = kind};
      return response;
    case 4:
      return jraft::ReadIndexResponse{};
    default:
      return response;
  }
}

void must_be_what_was_promised(const jraft::LocalSnapshotPbMeta& meta, const jraft::SnapshotMeta& expected, const Writer& writer) {
  must(meta.meta == expected && meta.files.size() == writer.files.size());
  for (const jraft::SnapshotFile& file : meta.files) {
    const std::string& content = writer.files.at(file.name);
    const auto sum = FileSum::parse(file.meta.checksum.value_or(""));
    must(!sum || (sum->size == content.size() && sum->crc32c == crc32c(as_bytes(content))));
    for (size_t slash = file.name.find('/'); slash != std::string::npos; slash = file.name.find('/', slash + 1)) {
      must(!writer.files.contains(file.name.substr(0, slash)));
    }
  }
}

io::Task<int> fetch(ByteSpan bytes) {
  Input input(bytes);
  const uint8_t how = input.byte();
  const Bytes list = input.bytes();
  jraft::SnapshotMeta expected{.last_included_index = 7, .last_included_term = 2};
  if (const auto meta = jraft::decode<jraft::LocalSnapshotPbMeta>(list); meta && meta->meta && (how & 1) == 0) expected = *meta->meta;
  bool listed = false;
  const AskFile ask = [&](jraft::GetFileRequest request) -> io::Task<Result<jraft::Message>> {
    must(request.count > 0 && request.offset >= 0 && static_cast<uint64_t>(request.offset) <= kMostBytes);
    if (std::exchange(listed, true)) co_return next_answer(input);
    must(request.filename == kSnapshotMetaName);
    co_return jraft::GetFileResponse{.eof = true, .data = list, .read_size = -1};
  };
  const FetchOptions options{.max_bytes_per_call = 1 + (how >> 4) * uint64_t{100},
                             .parallel = 1 + (how >> 1 & 3),
                             .retry_wait = {},
                             .throttled_wait = {},
                             .most_bytes = kMostBytes,
                             .most_files = 20};
  Writer writer;
  Own own;
  SnapshotThrottle throttle;
  FetchProgress progress;
  const auto fetched = co_await fetch_snapshot(ask, 1, expected, writer, &own, throttle, options, progress);
  fuzz::must_say_why(fetched);
  if (fetched) must_be_what_was_promised(*fetched, expected, writer);
  co_return 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16'384) return 0;
  set_log_level("raft", LogLevel::off);
  return runtime().block_on(fetch(ByteSpan(data, size)));
}
