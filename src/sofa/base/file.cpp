#include "sofa/base/file.h"

#include <fmt/format.h>

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

}  // namespace sofa
