#include "sofa/state/raft/detail/folder.h"

namespace sofa::raft::detail {

using io::or_return;

namespace {

constexpr uint64_t kDirectoryStream = 1;
constexpr std::string_view kFormat = "sofa-raft 1";

/// "sofa-raft 1\n127.0.0.1:8700\n"
Result<std::string> read_identity(log::FileSystem& files, const std::string& path) {
  auto file = files.open(path, log::OpenMode::read);
  if (!file) return forward_error(file);
  auto bytes = log::read_all(**file);
  if (!bytes) return forward_error(bytes);
  return std::string(bytes->text());
}

}  // namespace

Result<void> claim_folder(log::FileSystem& files, const std::string& folder, const std::string& identity) {
  if (auto made = log::create_folders(files, folder); !made) return made;
  const std::string path = folder + "/identity", own = fmt::format("{}\n{}\n", kFormat, identity);
  const auto found = read_identity(files, path);
  if (!found && found.error().code() == Code::not_found) return log::replace_file(files, folder, "identity", {as_bytes(own)});
  if (!found) return std::unexpected(found.error());
  if (*found == own) return {};
  const size_t line = found->find('\n');
  const std::string format = found->substr(0, line);
  if (!format.starts_with("sofa-raft ")) {
    return fail(Code::data_loss, "the file {} does not say whose folder it is: '{}'; restore it, or give the node another folder", path, format);
  }
  if (format != kFormat) {
    return fail(Code::failed_precondition, "the folder {} is of the format '{}', this program knows '{}'; use a program of its version", folder,
                format, kFormat);
  }
  const std::string owner = line == std::string::npos ? "" : found->substr(line + 1, found->find('\n', line + 1) - line - 1);
  return fail(Code::failed_precondition, "the folder {} is of the node {}, this is {}; give each node a folder of its own", folder, owner, identity);
}

std::string Directory::key(std::string_view group, const jraft::PeerId& self) {
  return fmt::format("{} {}:{}:{}", group, self.ip, self.port, self.idx);
}

io::Task<Result<void>> Directory::read() {
  log::LogReader reader(log_, kDirectoryStream, log_.first_index(kDirectoryStream));
  for (;;) {
    const auto records = co_await or_return(reader.next());
    if (records.empty()) co_return Result<void>{};
    for (const log::ReadRecord& record : records) numbers_[std::string(record.payload.text())] = record.index;
  }
}

io::Task<Result<GroupStreams>> Directory::streams_of(std::string group, jraft::PeerId self) {
  const std::string name = key(group, self);
  auto found = numbers_.find(name);
  if (found == numbers_.end()) {
    const uint64_t number = co_await or_return(log_.append(kDirectoryStream, 1, Bytes::copy_of(name)));
    found = numbers_.emplace(name, number).first;
  }
  co_return GroupStreams{.entries = 2 * found->second, .kept = 2 * found->second + 1};
}

}  // namespace sofa::raft::detail
