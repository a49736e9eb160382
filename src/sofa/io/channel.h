#pragma once
// Channel<T>: a bounded queue between tasks of one shard; any number of senders and receivers, served in the order of their coming.

#include <deque>
#include <optional>

#include "sofa/io/wait.h"

namespace sofa::io {

/// The code of the error that send() and receive() give once a channel is closed (and, for receive, empty).
inline constexpr Code kChannelClosed = Code::out_of_range;

/// Must outlive its waits. `capacity` values are buffered; 0 hands over directly.
template <class T>
class Channel {
 public:
  explicit Channel(size_t capacity) : capacity_(capacity) {}

  /// `Result<void> r = co_await channel.send(v)`: waits while the channel is full.
  auto send(T value) { return Send(*this, std::move(value)); }
  /// `Result<T> r = co_await channel.receive()`: waits while it is empty.
  auto receive() { return Receive(*this); }

  /// False when full or closed; `value` is moved from only on success.
  bool try_send(T&& value) {
    if (closed_) return false;
    if (!receivers_.empty()) {
      static_cast<Receive&>(receivers_.front()).deliver(std::move(value));
      return true;
    }
    if (buffer_.size() >= capacity_) return false;
    buffer_.push_back(std::move(value));
    return true;
  }
  std::optional<T> try_receive() {
    std::optional<T> value;
    if (!buffer_.empty()) {
      value.emplace(std::move(buffer_.front()));
      buffer_.pop_front();
      if (!senders_.empty()) buffer_.push_back(static_cast<Send&>(senders_.front()).hand_over());
    } else if (!senders_.empty()) {
      value.emplace(static_cast<Send&>(senders_.front()).hand_over());
    }
    return value;
  }
  /// No more sends, waiting ones fail; what is buffered can still be received.
  void close() {
    closed_ = true;
    while (!receivers_.empty()) receivers_.front().wake();
    while (!senders_.empty()) senders_.front().wake();
  }
  bool closed() const { return closed_; }
  size_t size() const { return buffer_.size(); }
  size_t capacity() const { return capacity_; }

 private:
  static std::unexpected<Error> closed_error() { return fail(kChannelClosed, "the channel is closed"); }

  class [[nodiscard]] Send : public Wait {
   public:
    Send(Channel& channel, T value) : channel_(channel), value_(std::move(value)) {}
    bool await_ready() const { return false; }
    template <detail::ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!admit(self)) return false;
      sent_ = channel_.try_send(std::move(*value_));
      if (sent_ || channel_.closed_) return false;
      begin(self);
      channel_.senders_.push_back(*this);
      return true;
    }
    Result<void> await_resume() {
      if (sent_) return {};
      if (was_cancelled()) return outcome();
      return closed_error();
    }
    Wait& wait() { return *this; }

   private:
    friend class Channel;
    T hand_over() {
      sent_ = true;
      wake();
      return std::move(*value_);
    }
    Channel& channel_;
    std::optional<T> value_;
    bool sent_ = false;
  };

  class [[nodiscard]] Receive : public Wait {
   public:
    explicit Receive(Channel& channel) : channel_(channel) {}
    bool await_ready() const { return false; }
    template <detail::ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!admit(self)) return false;
      value_ = channel_.try_receive();
      if (value_ || channel_.closed_) return false;
      begin(self);
      channel_.receivers_.push_back(*this);
      return true;
    }
    Result<T> await_resume() {
      if (value_) return std::move(*value_);
      if (was_cancelled()) return std::unexpected<Error>(outcome().error());
      return closed_error();
    }
    Wait& wait() { return *this; }

   private:
    friend class Channel;
    void deliver(T&& value) {
      value_.emplace(std::move(value));
      wake();
    }
    Channel& channel_;
    std::optional<T> value_;
  };

  const size_t capacity_;
  bool closed_ = false;
  std::deque<T> buffer_;
  WaitQueue senders_;
  WaitQueue receivers_;
};

}  // namespace sofa::io
