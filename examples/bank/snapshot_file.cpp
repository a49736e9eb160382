#include "bank/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "sofa/base/crc.h"

namespace bank {

using sofa::Code;
using sofa::errno_error;
using sofa::fail;
using sofa::Result;

namespace {

// magic "BOOK0001", i64 last sequence, u32 CRC32C of the entries, then the entries.
constexpr std::string_view kMagic = "BOOK0001";
constexpr size_t kHead = 20;

struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

Result<void> write_all(int fd, sofa::ByteSpan bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(errno_error(errno, "cannot write " + path));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<void> sync_folder(const std::string& folder) {
  Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd < 0 || fsync(directory.fd) != 0) return std::unexpected(errno_error(errno, "cannot sync folder " + folder));
  return {};
}

}  // namespace

Result<void> write_snapshot(const std::string& folder, int64_t last, sofa::ByteSpan entries) {
  const std::string path = folder + "/book.snapshot", fresh = path + ".new";
  {
    Descriptor file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.fd < 0) return std::unexpected(errno_error(errno, "cannot make " + fresh));
    sofa::Buffer head;
    head.append(kMagic);
    head.append_be64(static_cast<uint64_t>(last));
    head.append_be32(sofa::crc32c(entries));
    if (auto written = write_all(file.fd, head.span(), fresh); !written) return written;
    if (auto written = write_all(file.fd, entries, fresh); !written) return written;
    if (fsync(file.fd) != 0) return std::unexpected(errno_error(errno, "cannot sync " + fresh));
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) return std::unexpected(errno_error(errno, "cannot rename " + fresh));
  return sync_folder(folder);
}

Result<sofa::Bytes> read_newest_snapshot(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return std::unexpected(errno_error(error.value(), "cannot make folder " + folder));
  const std::string path = folder + "/book.snapshot";
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0 && errno == ENOENT) return sofa::Bytes{};
  if (file.fd < 0) return std::unexpected(errno_error(errno, "cannot open " + path));
  sofa::Buffer bytes;
  for (;;) {
    bytes.reserve(1 << 20);
    const auto space = bytes.free_space();
    const ssize_t got = read(file.fd, space.data(), space.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno_error(errno, "cannot read " + path));
    if (got == 0) break;
    bytes.commit(static_cast<size_t>(got));
  }
  const bool whole = bytes.size() >= kHead && sofa::as_text(bytes.span().first(kMagic.size())) == kMagic;
  const uint32_t expected = whole ? sofa::load_be<uint32_t>(bytes.data() + 16) : 0;
  const uint32_t found = whole ? sofa::crc32c(bytes.span().subspan(kHead)) : 0;
  if (!whole || expected != found) {
    return fail(Code::data_loss, "{} is damaged: checksum {:08x} expected, {:08x} found; restore the folder from a copy", path, expected, found);
  }
  bytes.consume(kHead);
  return bytes.take();
}

}  // namespace bank
