#include "sofa/transport/unsent_answers.h"

#include <algorithm>

#include "sofa/base/error.h"
#include "sofa/io/shard.h"

namespace sofa::transport {

/// What a shard that gives the connection up posts to that of the connection, which may be gone by then.
struct AnswerAccount::Link {
  io::Shard& shard;
  const Close close;
  void* connection;  // null: gone; on its shard
};

size_t UnsentAnswers::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

bool UnsentAnswers::make_room(const AnswerAccount& grower, Instant now) {
  while (held_ > most_) {
    AnswerAccount& slowest = **std::ranges::max_element(accounts_, {}, [now](const AnswerAccount* one) { return one->slowness(now); });
    slowest.leave();
    slowest.given_up_ = true;
    slowest.link_->shard.post([link = slowest.link_] {
      if (link->connection != nullptr) link->close(link->connection);
    });
  }
  return !grower.given_up_;
}

AnswerAccount::AnswerAccount(std::shared_ptr<UnsentAnswers> all, Close close, void* connection)
    : all_(std::move(all)), link_(all_ == nullptr ? nullptr : std::make_shared<Link>(io::Shard::current(), close, connection)) {}

AnswerAccount::~AnswerAccount() {
  if (all_ == nullptr) return;
  link_->connection = nullptr;
  const std::lock_guard lock(all_->mutex_);
  if (!given_up_ && held_ > 0) leave();
}

void AnswerAccount::leave() {
  all_->held_ -= held_;
  all_->accounts_[index_] = all_->accounts_.back();
  all_->accounts_[index_]->index_ = index_;
  all_->accounts_.pop_back();
}

bool AnswerAccount::change(size_t held, uint64_t taken) {
  const Instant now = io::Shard::current().now();
  const std::lock_guard lock(all_->mutex_);
  const size_t before = held_;
  if (given_up_) {
    held_ = held;
    return held < before;
  }
  taken_ = taken;
  if (held == 0) {
    leave();
    held_ = 0;
    return true;
  }
  if (before == 0) {
    index_ = all_->accounts_.size();
    all_->accounts_.push_back(this);
    since_ = now;
    taken_before_ = taken;
  }
  held_ = held;
  all_->held_ += held - before;  // less: the difference wraps
  return held < before || all_->make_room(*this, now);
}

double AnswerAccount::slowness(Instant now) const {
  const auto waited = std::max<int64_t>(0, (now - since_).count());  // the clocks of two shards' turns differ
  // TLS makes more of what waits when it encrypts it: a peer that takes nothing may so seem to give some back.
  const auto taken = std::max<int64_t>(0, static_cast<int64_t>(taken_ - taken_before_));
  // A step on trust: who has just begun has taken nothing yet.
  return static_cast<double>(held_) * static_cast<double>(waited + 1) / static_cast<double>(taken + kStep);
}

std::string AnswerAccount::why() const {
  return fmt::format("{} bytes of answers wait for a peer that is slower than others, and all peers' are more than may wait (max_unsent_bytes {})",
                     held_, all_->most());
}

}  // namespace sofa::transport
