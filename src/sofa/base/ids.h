#pragma once
// Unique ids. Time and randomness come in as parameters, so that a simulation repeats its ids.

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sofa/base/clock.h"
#include "sofa/base/random.h"

namespace sofa {

/// 64-bit ids that grow: 41 bits of milliseconds since 2024-01-01 (until 2093), 10 bits of node, 12 bits of sequence; always positive, a Java long.
/// Strictly growing also when the wall clock stands still or goes back, and when more than 4096 are taken in a millisecond (it then runs ahead).
/// Unique over machines when each has its own node number. Any thread.
class IdSource {
 public:
  static constexpr uint32_t kMaxNode = 1023;
  /// `node` at most kMaxNode. The clock must outlive the source.
  IdSource(const Clock& clock, uint32_t node);
  int64_t next();
  /// The wall time in an id, with the precision of a millisecond.
  static WallTime time_of(int64_t id);

 private:
  const Clock& clock_;
  const uint64_t node_;
  std::atomic<uint64_t> last_{0};  // milliseconds << 12 | sequence
};

/// Trace ids of SOFATracer: 8 hex digits of the host's IPv4, 13 digits of epoch milliseconds, 4 digits of a sequence that runs 1001 to 9001 and then
/// again from 1000, the process id. (docs/protocols/tracing.md, section 1.1) Any thread.
class TraceIdSource {
 public:
  TraceIdSource(const Clock& clock, std::array<uint8_t, 4> host, uint32_t pid);
  std::string next();

 private:
  const Clock& clock_;
  const std::string host_;
  const uint32_t pid_;
  std::atomic<uint32_t> sequence_{1000};
};

/// The first IPv4 address of this host that is not loopback; 255.255.255.255 when there is none, as SOFATracer has it.
std::array<uint8_t, 4> host_ipv4();

/// 128 random bits, for ids that are made without any agreement.
struct Id128 {
  uint64_t high = 0;
  uint64_t low = 0;

  /// Never all zero, which W3C trace context takes as "no id". Not for secrets: the generator can be predicted.
  static Id128 random(Random& random);
  /// 32 hex digits of either case; empty for anything else.
  static std::optional<Id128> parse(std::string_view hex);
  /// 32 lower-case hex digits.
  std::string to_string() const;
  friend auto operator<=>(const Id128&, const Id128&) = default;
};

}  // namespace sofa
