#include "sofa/boot/config_source.h"

#include <sys/stat.h>

#include <array>

#include "sofa/base/file.h"
#include "sofa/base/yaml.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {

namespace {

/// What tells one content of a file from another without reading it; all zero: there is no file.
using Signature = std::array<int64_t, 5>;

Signature signature_of(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return {};
  return {static_cast<int64_t>(found.st_dev), static_cast<int64_t>(found.st_ino), found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

class WatchedFile final : public ConfigSource {
 public:
  WatchedFile(std::string path, Duration period) : path_(std::move(path)), period_(period) {}
  std::string name() const override { return path_; }

  io::Task<Result<std::string>> next() override {
    io::BlockingPool& files = io::Shard::current().runtime().file_pool();
    for (;;) {
      const Signature now = co_await io::or_return(co_await io::run_blocking(files, [this]() -> Result<Signature> { return signature_of(path_); }));
      if (seen_ != now) {
        seen_ = now;  // taken before the file is read: what is written meanwhile is seen the next time
        co_return co_await io::run_blocking(files, [this] { return read_file(path_, kYamlOptions.max_bytes); });
      }
      co_await io::or_return(co_await io::sleep_for(period_));
    }
  }

 private:
  const std::string path_;
  const Duration period_;
  std::optional<Signature> seen_;
};

}  // namespace

std::unique_ptr<ConfigSource> watched_file(std::string path, Duration period) { return std::make_unique<WatchedFile>(std::move(path), period); }

}  // namespace sofa::boot
