#pragma once
// A bound on the bytes of answers that wait for their peers, over all connections of a server: peers that ask and do not read hold no more.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sofa/base/clock.h"

namespace sofa::transport {

class AnswerAccount;

/// What all connections may hold. When one of them grows over it, those whose peers would need the longest for what waits for them, at the rate at
/// which they took since something waits, are closed until the rest fits: deaf peers go before those that read. Any thread.
class UnsentAnswers {
 public:
  explicit UnsentAnswers(size_t most) : most_(most) {}
  size_t most() const { return most_; }
  size_t held() const;

 private:
  friend class AnswerAccount;
  /// With the mutex. False: `grower` itself is among those that are closed.
  bool make_room(const AnswerAccount& grower, Instant now);

  const size_t most_;
  mutable std::mutex mutex_;
  size_t held_ = 0;
  std::vector<AnswerAccount*> accounts_;  // that hold something and are not given up
};

/// The part of one connection, which belongs to its shard. Counted in steps of 16 KiB, so that small answers cost nothing.
class AnswerAccount {
 public:
  static constexpr size_t kStep = size_t{16} << 10;
  /// Called once at most, on the connection's shard in a turn of its own: it is to close, which drops what waits. The reason is why().
  using Close = void (*)(void* connection);

  /// `all` null: nothing is counted. On the connection's shard, as everything here.
  AnswerAccount(std::shared_ptr<UnsentAnswers> all, Close close, void* connection);
  ~AnswerAccount();
  AnswerAccount(const AnswerAccount&) = delete;
  AnswerAccount& operator=(const AnswerAccount&) = delete;

  bool counts() const { return all_ != nullptr; }
  /// From now on `bytes` wait; `taken`: what the kernel took for the peer since the connection began. False when the connection is to close, which
  /// Close tells it, or was told so: what it grows by is not to be kept.
  bool set(size_t bytes, uint64_t taken) {
    const size_t held = bytes / kStep * kStep;
    return all_ == nullptr || held == held_ || change(held, taken);
  }
  size_t held() const { return held_; }
  /// Why it is to close, as a sentence.
  std::string why() const;

 private:
  friend class UnsentAnswers;
  struct Link;
  bool change(size_t held, uint64_t taken);
  /// With the mutex: it is among the accounts no more.
  void leave();
  /// With the mutex: how long the peer needs for what waits.
  double slowness(Instant now) const;

  const std::shared_ptr<UnsentAnswers> all_;
  const std::shared_ptr<Link> link_;  // null without `all`
  // With the mutex of `all`; only its own shard writes the first three.
  size_t held_ = 0;
  uint64_t taken_ = 0;
  uint64_t taken_before_ = 0;  // of it, before `since_`
  Instant since_{};            // when something began to wait
  size_t index_ = 0;           // among the accounts
  bool given_up_ = false;
};

}  // namespace sofa::transport
