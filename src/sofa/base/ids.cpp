#include "sofa/base/ids.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/unix_time.h"

namespace sofa {

namespace {
constexpr int64_t kEpoch = 1'704'067'200'000;  // 2024-01-01 in milliseconds since 1970
constexpr int kSequenceBits = 12;
constexpr int kNodeBits = 10;
}  // namespace

IdSource::IdSource(const Clock& clock, uint32_t node) : clock_(clock), node_(node) { assert(node <= kMaxNode); }

int64_t IdSource::next() {
  const auto now = static_cast<uint64_t>(std::max<int64_t>(unix_ms(clock_.now_wall()) - kEpoch, 0)) << kSequenceBits;
  uint64_t last = last_.load(std::memory_order_relaxed);
  uint64_t taken = std::max(now, last + 1);
  while (!last_.compare_exchange_weak(last, taken, std::memory_order_relaxed)) taken = std::max(now, last + 1);
  const uint64_t milliseconds = taken >> kSequenceBits, sequence = taken & ((1u << kSequenceBits) - 1);
  return static_cast<int64_t>(milliseconds << (kNodeBits + kSequenceBits) | node_ << kSequenceBits | sequence);
}

WallTime IdSource::time_of(int64_t id) { return WallTime(std::chrono::milliseconds((id >> (kNodeBits + kSequenceBits)) + kEpoch)); }

TraceIdSource::TraceIdSource(const Clock& clock, std::array<uint8_t, 4> host, uint32_t pid) : clock_(clock), host_(to_hex(host)), pid_(pid) {}

std::string TraceIdSource::next() {
  uint32_t last = sequence_.load(std::memory_order_relaxed);
  const auto after = [](uint32_t current) { return current > 9000 ? 1000 : current + 1; };
  uint32_t taken = after(last);
  while (!sequence_.compare_exchange_weak(last, taken, std::memory_order_relaxed)) taken = after(last);
  return fmt::format("{}{:013}{:04}{}", host_, unix_ms(clock_.now_wall()), taken, pid_);
}

std::array<uint8_t, 4> host_ipv4() {
  std::array<uint8_t, 4> found{255, 255, 255, 255};
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    std::array<uint8_t, 4> octets;
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, octets.size());
    if (octets[0] == 127) continue;
    found = octets;
    break;
  }
  ::freeifaddrs(list);
  return found;
}

Id128 Id128::random(Random& random) {
  Id128 id;
  while (id == Id128{}) id = {random.next(), random.next()};
  return id;
}

std::optional<Id128> Id128::parse(std::string_view hex) {
  std::vector<uint8_t> bytes;
  if (hex.size() != 32 || !from_hex(hex, bytes)) return std::nullopt;
  return Id128{load_be<uint64_t>(bytes.data()), load_be<uint64_t>(bytes.data() + 8)};
}

std::string Id128::to_string() const { return fmt::format("{:016x}{:016x}", high, low); }

}  // namespace sofa
