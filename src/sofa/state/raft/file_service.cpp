#include "sofa/state/raft/file_service.h"

#include <algorithm>

#include "sofa/base/log.h"
#include "sofa/io/shard.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft {

using jraft::RaftError;

namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 20;  // of one answer
/// JRaft reads into a buffer of so many bytes and gives all that it holds, also to who asked for fewer (recorded: 200 asked for, 569 given).
constexpr uint64_t kFewestBytes = 1024;

const Logger kLog{"raft"};

jraft::Message refuse(RaftError code, std::string message) { return jraft::error_response({code, std::move(message)}); }

/// -1 at the end, although the data is all there (jraft.md 2.10).
jraft::Message answer(Bytes data, bool eof) {
  const auto size = static_cast<int64_t>(data.size());
  return jraft::GetFileResponse{.eof = eof, .data = std::move(data), .read_size = eof ? -1 : size};
}

}  // namespace

SnapshotThrottle::SnapshotThrottle(uint64_t bytes_per_second, int cycles_per_second)
    : bytes_per_cycle_(bytes_per_second == 0 ? 0 : std::max<uint64_t>(1, bytes_per_second / static_cast<uint64_t>(std::max(1, cycles_per_second)))),
      cycle_(Duration(std::chrono::seconds(1)) / std::max(1, cycles_per_second)) {}

uint64_t SnapshotThrottle::admit(Instant now, uint64_t wanted) {
  if (bytes_per_cycle_ == 0) return wanted;
  if (now >= cycle_begin_ + cycle_) {
    cycle_begin_ = now;
    left_ = bytes_per_cycle_;
  }
  const uint64_t admitted = std::min(wanted, left_);
  left_ -= admitted;
  return admitted;
}

void SnapshotThrottle::give_back(uint64_t bytes) {
  if (bytes_per_cycle_ != 0) left_ = std::min(bytes_per_cycle_, left_ + bytes);
}

int64_t FileService::add(std::shared_ptr<SnapshotReader> reader) {
  Bytes meta = jraft::encode(local_meta_of(reader->kept()));
  for (;;) {
    const auto id = static_cast<int64_t>(random_.next() >> 1);
    if (readers_.try_emplace(id, Reader{.snapshot = reader, .meta = meta}).second) return id;
  }
}

void FileService::remove(int64_t id) { readers_.erase(id); }

/// What no peer in its senses asks for.
jraft::Message FileService::refuse_odd(RaftError code, std::string message) {
  kLog.warn(refusals_, "request for a file of a snapshot refused", {{"why", message}});
  return refuse(code, std::move(message));
}

jraft::Message FileService::invalid(const jraft::GetFileRequest& request) {
  return refuse_odd(RaftError::erequest, fmt::format("Invalid request: reader_id: {} filename: \"{}\" count: {} offset: {}", request.reader_id,
                                                     request.filename, request.count, request.offset));
}

io::Task<jraft::Message> FileService::get_file(jraft::GetFileRequest request) {
  if (request.count <= 0 || request.offset < 0) co_return invalid(request);
  const auto found = readers_.find(request.reader_id);
  if (found == readers_.end()) co_return refuse_odd(RaftError::enoent, fmt::format("Fail to find reader={}", request.reader_id));
  if (request.filename == kSnapshotMetaName) co_return answer(found->second.meta, true);
  if (!check_file_name(request.filename)) co_return invalid(request);
  const std::shared_ptr<SnapshotReader> snapshot = found->second.snapshot;
  const auto& files = snapshot->kept().files;
  const auto file = std::ranges::find(files, request.filename, &KeptFile::name);
  if (file == files.end()) {
    co_return refuse_odd(RaftError::enoent, fmt::format("Fail to find file={} of reader={}", request.filename, request.reader_id));
  }
  co_return co_await read(snapshot, *file, static_cast<uint64_t>(request.offset), static_cast<uint64_t>(request.count));
}

io::Task<jraft::Message> FileService::read(std::shared_ptr<SnapshotReader> snapshot, const KeptFile& file, uint64_t offset, uint64_t count) {
  const auto size = static_cast<uint64_t>(file.size);
  if (offset >= size) co_return answer({}, true);
  const uint64_t wanted = std::min({std::max(count, kFewestBytes), size - offset, kMostBytes});
  const uint64_t admitted = throttle_.admit(io::Shard::current().now(), wanted);
  if (admitted == 0) co_return refuse(RaftError::eagain, fmt::format("Reading {} is throttled, ask again", file.name));
  const Instant now = io::Shard::current().now();
  if (const Instant at = pace_.admit(now, admitted); at > now && !co_await io::sleep_until(at)) {
    co_return refuse(RaftError::eagain, fmt::format("Reading {} ends with the node", file.name));
  }
  Result<Bytes> bytes = co_await snapshot->read(file.name, offset, admitted);
  if (bytes) co_return answer(std::move(*bytes), offset + admitted == size);
  throttle_.give_back(admitted);
  kLog.error("a file of a snapshot cannot be read for a peer", {{"folder", snapshot->folder()}, {"file", file.name}, {"error", bytes.error()}});
  co_return refuse(RaftError::eio, fmt::format("Fail to read file={}: {}", file.name, bytes.error().to_string()));
}

}  // namespace sofa::raft
