#include "sofa/sim/disk.h"

#include <cmath>

namespace sofa::sim {

using log::testing::Fault;

Disk::Disk(World& world, const std::string& name)
    : world_(world), name_(name), random_(world.random("disk " + name)), files_(world.derive("pages " + name)) {
  files_.judge_by([this](std::string_view doing, const std::string& path, size_t bytes) { return judge(doing, path, bytes); });
}

Duration Disk::exponential(Duration mean) {
  return Duration(static_cast<int64_t>(-std::log(1 - random_.unit()) * static_cast<double>(mean.count())));
}

Fault Disk::judge(std::string_view doing, const std::string& path, size_t bytes) {
  const auto hit = [&](double chance, std::string_view fault) {
    return chance > 0 && random_.chance(chance) && world_.fault(fault, "disk {}, {}", name_, path);
  };
  const auto failed = [&] {
    ++errors_;
    return Fault::io_error;
  };
  if (doing == "read") {
    latency_ += exponential(shape.mean_read);
    return hit(shape.read_error, "a read fails") ? failed() : Fault::none;
  }
  if (doing == "sync" || doing == "sync folder") {
    latency_ += exponential(shape.mean_sync);
    const Duration stall = shape.stalled > 0 ? exponential(shape.stalled_mean) : Duration();
    if (hit(shape.stalled, "a sync stalls")) latency_ += stall;
    return hit(shape.sync_error, "a sync fails") ? failed() : Fault::none;
  }
  if (doing != "write") return Fault::none;
  latency_ += exponential(shape.mean_write) + Duration(static_cast<int64_t>(bytes) * 5);  // 200 MB/s
  if (hit(shape.write_error, "a write fails")) return failed();
  if (bytes == 0) return Fault::none;
  if (hit(shape.lost_write, "a write is lost")) return ++damage_, Fault::lost_write;
  if (hit(shape.misdirected_write, "a write is misdirected")) return ++damage_, Fault::misdirected;
  return Fault::none;
}

void Disk::cut_power() {
  files_.cut_power(log::testing::Survival::mixed, random_.next());
  latency_ = {};
}

bool Disk::rot(std::string_view part) {
  auto all = files_.files();
  std::erase_if(all, [&](const auto& one) { return one.second == 0 || one.first.find(part) == std::string::npos; });
  if (all.empty()) return false;
  const auto& [path, size] = all[random_.uniform(all.size())];
  files_.flip_bit(path, random_.uniform(size), static_cast<int>(random_.uniform(8)));
  ++damage_;
  return true;
}

}  // namespace sofa::sim
