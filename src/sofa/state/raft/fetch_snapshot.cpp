#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "sofa/base/crc.h"
#include "sofa/base/log.h"
#include "sofa/io/shard.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/state/raft/file_service.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft {

using jraft::GetFileRequest;
using jraft::GetFileResponse;
using jraft::RaftError;

namespace {

const Logger& logger() {
  static const Logger instance{"raft"};
  return instance;
}

/// Whether the names can stand side by side in one folder.
Result<void> check_names(const std::vector<jraft::SnapshotFile>& files) {
  std::unordered_set<std::string_view> names;
  for (const jraft::SnapshotFile& file : files) {
    if (auto fits = check_file_name(file.name); !fits)
      return fail(Code::data_loss, "The list of the snapshot's files lies: {}", fits.error().message());
    if (!names.insert(file.name).second) return fail(Code::data_loss, "The list of the snapshot's files lies: it names '{}' twice", file.name);
  }
  for (const std::string_view name : names) {
    for (size_t slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
      if (names.contains(name.substr(0, slash))) {
        return fail(Code::data_loss, "The list of the snapshot's files lies: it names '{}' and a file of this name", name);
      }
    }
  }
  return {};
}

Result<void> check_meta(const jraft::LocalSnapshotPbMeta& meta, const jraft::SnapshotMeta& expected, const FetchOptions& options) {
  if (!meta.meta) return fail(Code::data_loss, "The list of the snapshot's files lies: it does not say which snapshot it is");
  if (*meta.meta != expected) {
    return fail(Code::data_loss,
                "The list of the snapshot's files lies: it is of entry {} in term {}, with {} peers; offered was entry {} in term {}, with {}",
                meta.meta->last_included_index, meta.meta->last_included_term, meta.meta->peers.size(), expected.last_included_index,
                expected.last_included_term, expected.peers.size());
  }
  if (meta.files.size() > options.most_files) {
    return fail(Code::data_loss, "The list of the snapshot's files lies: it names {} files, at most {} are taken", meta.files.size(),
                options.most_files);
  }
  return check_names(meta.files);
}

class Fetch {
 public:
  Fetch(AskFile ask, int64_t reader_id, SnapshotWriter& to, SnapshotThrottle& throttle, FetchOptions options, FetchProgress& progress)
      : ask_(std::move(ask)), reader_id_(reader_id), to_(to), throttle_(throttle), options_(options), progress_(progress) {}

  io::Task<Result<jraft::LocalSnapshotPbMeta>> run(jraft::SnapshotMeta expected, SnapshotReader* own);

 private:
  /// A file that is fetched: whole, or in pieces that arrive in any order and are written in theirs.
  struct File {
    const jraft::SnapshotFile* listed = nullptr;
    std::optional<FileSum> sum{};  ///< what it must hold, where that is known
    Bytes meta{};
    uint64_t planned = 0, written = 0;
    uint32_t crc32c = 0;
    struct Piece {
      Bytes bytes;
      io::Semaphore::Permit room;
    };
    std::map<uint64_t, Piece> early{};
    bool writing = false;
  };
  struct Work {
    File* file = nullptr;
    uint64_t offset = 0, count = 0;  ///< count 0: the whole file
  };

  io::Task<Result<jraft::LocalSnapshotPbMeta>> fetch_meta(const jraft::SnapshotMeta& expected);
  io::Task<Result<void>> take_over(const jraft::LocalSnapshotPbMeta& meta, SnapshotReader& own);
  io::Task<Result<bool>> take_over(const jraft::SnapshotFile& listed, SnapshotReader& own);
  io::Task<Result<void>> fetch_files(const jraft::LocalSnapshotPbMeta& meta);
  io::Task<void> work_beside(io::TaskGroup& group, std::optional<Error>& first);
  io::Task<Result<void>> work();
  std::optional<Work> next_work();
  io::Task<Result<void>> fetch_whole(File& file);
  io::Task<Result<void>> fetch_to_end(File& file);
  io::Task<Result<void>> forget(File& file);
  io::Task<Result<Bytes>> fetch_piece(const File& file, uint64_t offset, uint64_t count);
  io::Task<Result<void>> arrived(File& file, uint64_t offset, File::Piece piece);
  io::Task<Result<void>> write(File& file, Bytes bytes);
  bool holds_what_it_must(const File& file) const;

  io::Task<Result<GetFileResponse>> read(std::string name, uint64_t offset, uint64_t count);
  io::Task<Result<GetFileResponse>> call(GetFileRequest request);

  const AskFile ask_;
  const int64_t reader_id_;
  SnapshotWriter& to_;
  SnapshotThrottle& throttle_;
  const FetchOptions options_;
  FetchProgress& progress_;
  std::unordered_set<std::string_view> taken_over_;
  io::Semaphore room_{2 * static_cast<size_t>(std::max(1, options_.parallel))};  // for pieces that are fetched or wait to be written
  std::vector<File> files_;
  size_t next_file_ = 0;
};

/// Why an answer is none, in the words of the node that gave it.
struct Refusal {
  RaftError code = RaftError::unknown;
  std::string message{};
};
std::optional<Refusal> refusal_of(const jraft::Message& answer) {
  const auto* error = std::get_if<jraft::ErrorResponse>(&answer);
  if (const auto* response = std::get_if<GetFileResponse>(&answer); response != nullptr && response->error) error = &*response->error;
  if (error != nullptr) return Refusal{static_cast<RaftError>(error->code), error->message.value_or("")};
  if (!std::holds_alternative<GetFileResponse>(answer)) return Refusal{RaftError::unknown, "it answers with another message"};
  return std::nullopt;
}

io::Task<Result<GetFileResponse>> Fetch::call(GetFileRequest request) {
  for (int failures = 0;;) {
    Result<jraft::Message> answer = co_await ask_(request);
    std::optional<Refusal> refusal;
    if (answer) refusal = refusal_of(*answer);
    if (answer && !refusal) co_return std::get<GetFileResponse>(std::move(*answer));
    if (refusal && refusal->code == RaftError::eagain) {
      co_await io::or_return(io::sleep_for(options_.throttled_wait));
      continue;
    }
    const bool final = refusal && (refusal->code == RaftError::enoent || refusal->code == RaftError::erequest);
    if (final || ++failures > options_.retries) {
      if (!answer) co_return forward_error(answer);
      co_return fail(Code::unavailable, "The file {} of the snapshot is not given at offset {}: {}: {}", request.filename, request.offset,
                     name_of(refusal->code), refusal->message);
    }
    co_await io::or_return(io::sleep_for(options_.retry_wait));
  }
}

/// About `count` bytes: fewer when a throttle says so, and up to 1 KiB when fewer were asked for (see FileService).
io::Task<Result<GetFileResponse>> Fetch::read(std::string name, uint64_t offset, uint64_t count) {
  uint64_t admitted = 0;
  while ((admitted = throttle_.admit(io::Shard::current().now(), count)) == 0) co_await io::or_return(io::sleep_until(throttle_.next_cycle()));
  auto response = co_await call({.reader_id = reader_id_,
                                 .filename = name,
                                 .count = static_cast<int64_t>(admitted),
                                 .offset = static_cast<int64_t>(offset),
                                 .read_partly = true});
  throttle_.give_back(admitted - std::min<uint64_t>(admitted, response ? response->data.size() : 0));
  if (!response) co_return forward_error(response);
  const uint64_t got = response->data.size();
  if (got > std::max<uint64_t>(admitted, 1024) ||
      (!response->eof && (got == 0 || response->read_size.value_or(static_cast<int64_t>(got)) != static_cast<int64_t>(got)))) {
    co_return fail(Code::data_loss, "The answer for the file {} of the snapshot lies: {} bytes at offset {} of {} asked for, read_size {}, eof {}",
                   name, got, offset, admitted, response->read_size.value_or(0), response->eof);
  }
  progress_.bytes += got;
  if (progress_.bytes > options_.most_bytes) {
    co_return fail(Code::data_loss, "The snapshot has more than {} bytes, which is the most that is taken", options_.most_bytes);
  }
  co_return response;
}

io::Task<Result<jraft::LocalSnapshotPbMeta>> Fetch::fetch_meta(const jraft::SnapshotMeta& expected) {
  constexpr int64_t kWhole = 2'147'483'647;  // jraft.md 2.10
  const auto response =
      co_await io::or_return(call({.reader_id = reader_id_, .filename = std::string(kSnapshotMetaName), .count = kWhole, .read_partly = true}));
  auto meta = jraft::decode<jraft::LocalSnapshotPbMeta>(response.data);
  if (!meta || !response.eof) co_return fail(Code::data_loss, "The list of the snapshot's files is none: {} bytes", response.data.size());
  co_await io::or_return(check_meta(*meta, expected, options_));
  co_return meta;
}

io::Task<Result<jraft::LocalSnapshotPbMeta>> Fetch::run(jraft::SnapshotMeta expected, SnapshotReader* own) {
  auto meta = co_await io::or_return(fetch_meta(expected));
  progress_ = {.files = meta.files.size()};
  if (own != nullptr) co_await io::or_return(take_over(meta, *own));
  co_await io::or_return(fetch_files(meta));
  co_return meta;
}

io::Task<Result<void>> Fetch::take_over(const jraft::LocalSnapshotPbMeta& meta, SnapshotReader& own) {
  std::map<std::string, std::string> known;
  for (jraft::SnapshotFile& file : local_meta_of(own.kept()).files) known.emplace(std::move(file.name), file.meta.checksum.value_or(""));
  for (const jraft::SnapshotFile& listed : meta.files) {
    const auto ours = known.find(listed.name);
    if (!listed.meta.checksum || listed.meta.checksum->empty() || ours == known.end() || ours->second != *listed.meta.checksum) continue;
    if (!co_await io::or_return(take_over(listed, own))) continue;
    taken_over_.insert(listed.name);
    ++progress_.files_done;
    ++progress_.files_taken_over;
  }
  co_return Result<void>();
}

/// False when the own file does not hold any more what its checksum says.
io::Task<Result<bool>> Fetch::take_over(const jraft::SnapshotFile& listed, SnapshotReader& own) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  for (uint64_t offset = 0;;) {
    Result<Bytes> piece = co_await own.read(listed.name, offset, kPiece);
    if (!piece && piece.error().code() != Code::data_loss) co_return forward_error(piece);
    if (!piece) {
      logger().error("a file of the own snapshot is not taken over", {{"file", listed.name}, {"error", piece.error()}});
      co_return false;
    }
    offset += piece->size();
    if (piece->size() < kPiece) break;
  }
  co_await io::or_return(to_.link(listed.name, own.folder() + "/" + listed.name, jraft::encode(listed.meta)));
  co_return true;
}

io::Task<Result<void>> Fetch::fetch_files(const jraft::LocalSnapshotPbMeta& meta) {
  uint64_t bytes = 0;
  for (const jraft::SnapshotFile& listed : meta.files) {
    if (taken_over_.contains(listed.name)) continue;
    File& file = files_.emplace_back();
    file.listed = &listed;
    file.sum = FileSum::parse(listed.meta.checksum.value_or(""));
    file.meta = jraft::encode(listed.meta);
    const uint64_t size = file.sum ? file.sum->size : 0;
    if (size > options_.most_bytes - bytes) {
      co_return fail(Code::data_loss, "The snapshot has more than {} bytes, which is the most that is taken", options_.most_bytes);
    }
    bytes += size;
  }
  // A snapshot that Java's nodes have made is fetched as they do it, one piece after the other.
  const bool ours = std::ranges::all_of(files_, [](const File& file) { return file.sum.has_value(); });
  const int workers = ours ? std::max(1, options_.parallel) : 1;
  if (workers == 1) co_return co_await work();
  io::TaskGroup group(co_await io::current_scope());
  std::optional<Error> first;
  for (int i = 0; i < workers; ++i) group.spawn("fetch snapshot", work_beside(group, first));
  co_await group.join();
  if (first) co_return std::unexpected<Error>(*std::move(first));
  co_return Result<void>();
}

io::Task<void> Fetch::work_beside(io::TaskGroup& group, std::optional<Error>& first) {
  auto done = co_await work();
  if (done || first) co_return;
  first = done.error();
  group.cancel("another part of the snapshot could not be fetched");
}

std::optional<Fetch::Work> Fetch::next_work() {
  if (next_file_ == files_.size()) return std::nullopt;
  File& file = files_[next_file_];
  if (!file.sum || file.sum->size <= options_.piece) {
    ++next_file_;
    return Work{.file = &file};
  }
  const Work work{.file = &file, .offset = file.planned, .count = std::min(options_.piece, file.sum->size - file.planned)};
  file.planned += work.count;
  if (file.planned == file.sum->size) ++next_file_;
  return work;
}

io::Task<Result<void>> Fetch::work() {
  for (;;) {
    auto room = co_await io::or_return(room_.acquire());
    const auto work = next_work();
    if (!work) co_return Result<void>();
    if (work->count == 0) {
      co_await io::or_return(fetch_whole(*work->file));
      continue;
    }
    Bytes bytes = co_await io::or_return(fetch_piece(*work->file, work->offset, work->count));
    co_await io::or_return(arrived(*work->file, work->offset, {.bytes = std::move(bytes), .room = std::move(room)}));
  }
}

bool Fetch::holds_what_it_must(const File& file) const { return !file.sum || (file.sum->size == file.written && file.sum->crc32c == file.crc32c); }

io::Task<Result<void>> Fetch::fetch_whole(File& file) {
  for (int failures = 0;;) {
    co_await io::or_return(fetch_to_end(file));
    if (holds_what_it_must(file)) break;
    if (++failures > options_.retries) {
      co_return fail(Code::data_loss, "The file {} of the snapshot has {} bytes with the checksum {:08x} where its checksum is {}", file.listed->name,
                     file.written, file.crc32c, file.sum->to_string());
    }
    co_await io::or_return(forget(file));
    co_await io::or_return(io::sleep_for(options_.retry_wait));
  }
  ++progress_.files_done;
  co_return Result<void>();
}

io::Task<Result<void>> Fetch::forget(File& file) {
  logger().warn("a file of a snapshot came with another checksum and is fetched again", {{"file", file.listed->name}});
  progress_.bytes -= std::min(progress_.bytes, file.written);
  file.written = 0;
  file.crc32c = 0;
  co_return co_await to_.remove(file.listed->name);
}

io::Task<Result<void>> Fetch::fetch_to_end(File& file) {
  for (;;) {
    auto response = co_await io::or_return(read(file.listed->name, file.written, options_.max_bytes_per_call));
    co_await io::or_return(write(file, std::move(response.data)));
    if (response.eof) co_return Result<void>();
    if (file.sum && file.written >= file.sum->size) {
      co_return fail(Code::data_loss, "The file {} of the snapshot goes on behind {} bytes, which is all it should have", file.listed->name,
                     file.sum->size);
    }
  }
}

io::Task<Result<Bytes>> Fetch::fetch_piece(const File& file, uint64_t offset, uint64_t count) {
  Buffer piece;
  while (piece.size() < count) {
    auto response = co_await io::or_return(read(file.listed->name, offset + piece.size(), count - piece.size()));
    const uint64_t end = offset + piece.size() + response.data.size();
    if (response.eof != (end == file.sum->size)) {
      co_return fail(Code::data_loss, "The file {} of the snapshot ends at {} bytes or not, where it should have {}", file.listed->name, end,
                     file.sum->size);
    }
    if (response.data.size() >= count) co_return response.data.slice(0, count);
    piece.append(response.data.span().first(std::min<size_t>(response.data.size(), count - piece.size())));
  }
  co_return piece.take();
}

io::Task<Result<void>> Fetch::arrived(File& file, uint64_t offset, File::Piece piece) {
  file.early.emplace(offset, std::move(piece));
  if (file.writing) co_return Result<void>();
  file.writing = true;
  while (!file.early.empty() && file.early.begin()->first == file.written) {
    auto next = file.early.extract(file.early.begin());
    co_await io::or_return(write(file, std::move(next.mapped().bytes)));
  }
  file.writing = false;
  if (file.written < file.sum->size) co_return Result<void>();
  if (!holds_what_it_must(file)) {
    co_await io::or_return(forget(file));
    co_return co_await fetch_whole(file);
  }
  ++progress_.files_done;
  co_return Result<void>();
}

io::Task<Result<void>> Fetch::write(File& file, Bytes bytes) {
  file.written += bytes.size();
  file.crc32c = crc32c(bytes.span(), file.crc32c);
  co_return co_await to_.append(file.listed->name, std::move(bytes), file.meta);
}

}  // namespace

io::Task<Result<jraft::LocalSnapshotPbMeta>> fetch_snapshot(AskFile ask, int64_t reader_id, jraft::SnapshotMeta expected, SnapshotWriter& to,
                                                            SnapshotReader* own, SnapshotThrottle& throttle, FetchOptions options,
                                                            FetchProgress& progress) {
  Fetch fetch(std::move(ask), reader_id, to, throttle, options, progress);
  co_return co_await fetch.run(std::move(expected), own);
}

}  // namespace sofa::raft
