#include "bank/snapshot_file.h"

#include "sofa/base/crc.h"

namespace bank {

using sofa::Code;
using sofa::Result;

namespace {

// magic "BOOK0002", i64 last sequence, u32 CRC32C of all before and behind it, then the entries.
constexpr std::string_view kMagic = "BOOK0002";
constexpr std::string_view kName = "book.snapshot";
constexpr size_t kCovered = 16;
constexpr size_t kHead = 20;

uint32_t checksum(sofa::ByteSpan head, sofa::ByteSpan entries) { return sofa::crc32c(entries, sofa::crc32c(head.first(kCovered))); }

}  // namespace

Result<void> write_snapshot(sofa::log::FileSystem& files, const std::string& folder, int64_t last, sofa::ByteSpan entries) {
  sofa::Buffer head;
  head.append(kMagic);
  head.append_be64(static_cast<uint64_t>(last));
  head.append_be32(checksum(head.span(), entries));
  return sofa::log::replace_file(files, folder, std::string(kName), {head.span(), entries});
}

Result<Snapshot> read_newest_snapshot(sofa::log::FileSystem& files, const std::string& folder) {
  if (auto made = sofa::log::create_folders(files, folder); !made) return sofa::forward_error(made);
  const std::string path = fmt::format("{}/{}", folder, kName);
  auto file = files.open(path, sofa::log::OpenMode::read);
  if (!file && file.error().code() == Code::not_found) return Snapshot{};
  if (!file) return sofa::forward_error(file);
  auto bytes = sofa::log::read_all(**file);
  if (!bytes) return sofa::forward_error(bytes);
  const bool whole = bytes->size() >= kHead && bytes->text().starts_with(kMagic);
  const uint32_t found = whole ? sofa::load_be<uint32_t>(bytes->data() + kCovered) : 0;
  const uint32_t expected = whole ? checksum(bytes->span(), bytes->span().subspan(kHead)) : 0;
  if (!whole || expected != found) {
    return sofa::fail(Code::data_loss, "{} is damaged or of another version: checksum {:08x} expected, {:08x} found; restore the folder from a copy",
                      path, expected, found);
  }
  return Snapshot{sofa::load_be<int64_t>(bytes->data() + kMagic.size()), bytes->slice(kHead, bytes->size() - kHead)};
}

}  // namespace bank
