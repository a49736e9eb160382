#include "sofa/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace sofa {

Result<std::string> read_file(const std::string& path, size_t most) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::unexpected<Error>(errno_error(errno, fmt::format("the file \"{}\" cannot be read", path)));
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    return std::unexpected<Error>(errno_error(errno != 0 ? errno : EIO, fmt::format("the file \"{}\" cannot be read", path)));  // a folder
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > most) return fail(Code::resource_exhausted, "the file \"{}\" has more than {} bytes", path, most);
  return text;
}

Result<void> write_private_file(const std::string& path, std::string_view text) {
  ::unlink(path.c_str());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return std::unexpected<Error>(errno_error(errno, fmt::format("the file \"{}\" cannot be made", path)));
  errno = 0;
  bool well = true;
  while (well && !text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    well = n > 0 || (n < 0 && errno == EINTR);
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
  }
  well = well && ::fsync(file) == 0;
  const int error = errno != 0 ? errno : EIO;  // a short write sets none
  ::close(file);
  return well ? Result<void>() : std::unexpected<Error>(errno_error(error, fmt::format("the file \"{}\" cannot be written", path)));
}

}  // namespace sofa
