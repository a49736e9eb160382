#include "sofa/io/detail/stream_core.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sofa/io/detail/tls_layer.h"

namespace sofa::io::detail {

namespace {
constexpr size_t kPartsPerWrite = 256;
constexpr size_t kReadRoom = 16 << 10;     // what a read offers at least, when the caller allows it; Block keeps spare ones
constexpr unsigned kReadsPerTurn = 16;     // of one stream; then the others have their turn
constexpr size_t kCompactParts = 1024;     // written parts kept at the front of the queue before it is compacted
constexpr size_t kSealedBatch = 64 << 10;  // TLS: encrypted bytes for one write
constexpr size_t kTlsRecord = 16 << 10;    // most plain bytes of one record
constexpr int kKeepIdleSeconds = 30;
constexpr int kKeepIntervalSeconds = 15;
constexpr int kKeepProbes = 4;

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

Address name_of(int fd, int (*get)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  if (get(fd, reinterpret_cast<sockaddr*>(&raw), &length) != 0) return {};
  return Address::from_sockaddr(raw, length);
}
}  // namespace

StreamCore::StreamCore(int descriptor, Address peer, StreamOptions options)
    : Pollable(&StreamCore::handle_events), shard_(Shard::current()), options_(options), peer_(std::move(peer)) {
  fd = descriptor;
}

StreamCore::~StreamCore() { close(); }

Result<void> StreamCore::open(bool connecting) {
  connecting_ = connecting;
  set_socket_options();
  local_ = name_of(fd, &::getsockname);
  return shard_.watch(*this);
}

void StreamCore::set_socket_options() {
  if (peer_.is_unix()) return;
  if (options_.no_delay) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options_.keep_alive) {
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleSeconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepIntervalSeconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepProbes);
  }
  if (options_.user_timeout > Duration::zero()) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.user_timeout).count();
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(ms));
  }
}

void StreamCore::handle_events(Pollable& self, uint32_t events) {
  auto& core = static_cast<StreamCore&>(self);
  if (core.connecting_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    core.connecting_ = false;
    core.local_ = name_of(core.fd, &::getsockname);
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) core.peer_closed_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    core.readable_ = true;
    core.serve_readers();
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0 && !core.writable_) {
    core.writable_ = true;
    core.flush();
  }
  while (!core.event_waits_.empty()) core.event_waits_.front().wake();
}

Result<TryRead> StreamCore::try_read(std::span<uint8_t> space) {
  if (failure_) return std::unexpected<Error>(*failure_);
  if (tls_ != nullptr) [[unlikely]]
    return read_sealed(space);
  return receive(space);
}

Result<TryRead> StreamCore::read_sealed(std::span<uint8_t> space) {
  auto got = tls_->read(space);
  if (!got) {
    if (!failure_) send_sealed();  // the alert that tells the peer
    fail(std::move(got.error()));
    return std::unexpected<Error>(*failure_);
  }
  if (got->state == TryRead::State::end) peer_closed_ = true;
  if (tls_->has_more()) read_later_ = true;
  if (tls_->has_more() || !tls_->sealed().empty()) flush_at_turn_end();
  return got;
}

Result<TryRead> StreamCore::receive(std::span<uint8_t> space) {
  if (!readable_ || space.empty()) return TryRead{TryRead::State::would_block};
  ssize_t got;
  do {
    got = ::recv(fd, space.data(), space.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    // Less than there was room for: the socket is empty, and the next bytes come with an edge. Not so once the peer has closed: that edge is past.
    if (static_cast<size_t>(got) < space.size() && !peer_closed_) readable_ = false;
    return TryRead{TryRead::State::data, static_cast<size_t>(got)};
  }
  if (got == 0) {
    peer_closed_ = true;
    return TryRead{TryRead::State::end};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    readable_ = false;
    return TryRead{TryRead::State::would_block};
  }
  fail(errno_error(errno, fmt::format("cannot read from {}", peer_.to_string())));
  return std::unexpected<Error>(*failure_);
}

bool StreamCore::read_for(Stream::ReadSome& reader) {
  if (failure_) {
    reader.answer_ = std::unexpected<Error>(*failure_);
    return true;
  }
  if (!readable_ && tls_ == nullptr) return false;
  if (read_turn_ != shard_.now()) {
    read_turn_ = shard_.now();
    reads_in_turn_ = 0;
  }
  if (++reads_in_turn_ > kReadsPerTurn) {
    read_later_ = true;
    flush_at_turn_end();
    return false;
  }
  Buffer& in = reader.in_;
  const size_t wanted = std::min(reader.max_, kReadRoom);
  if (in.room() < (wanted + 1) / 2) in.reserve(wanted);
  std::span<uint8_t> space = in.free_space();
  auto result = try_read(space.first(std::min(space.size(), reader.max_)));
  if (!result) {
    reader.answer_ = std::unexpected<Error>(std::move(result.error()));
    return true;
  }
  if (result->state == TryRead::State::would_block) return false;
  in.commit(result->bytes);
  reader.answer_ = result->bytes;
  return true;
}

void StreamCore::serve_readers() {
  while (!readers_.empty()) {
    auto& reader = static_cast<Stream::ReadSome&>(readers_.front());
    if (!read_for(reader)) return;
    reader.wake();
  }
}

Result<void> StreamCore::admit(size_t more) const {
  if (failure_) return std::unexpected<Error>(*failure_);
  if (shutdown_wanted_) return sofa::fail(Code::failed_precondition, "cannot write to {}: its writing side is shut down", peer_.to_string());
  if (pending() + more > options_.max_write_queue) {
    return sofa::fail(Code::resource_exhausted,
                      "the write queue to {} is full: {} bytes wait and {} more do not fit in {} (max_write_queue); the peer reads too slowly",
                      peer_.to_string(), pending(), more, options_.max_write_queue);
  }
  return {};
}

Result<void> StreamCore::enqueue(Bytes bytes) {
  if (auto admitted = admit(bytes.size()); !admitted) return admitted;
  if (bytes.empty()) return {};
  pending_ += bytes.size();
  queue_.push_back(std::move(bytes));
  flush_at_turn_end();
  return {};
}

Result<void> StreamCore::enqueue(GatherList&& list) {
  if (auto admitted = admit(list.size()); !admitted) return admitted;
  if (list.empty()) return {};
  pending_ += list.size();
  queue_.insert(queue_.end(), list.parts().begin(), list.parts().end());
  list.clear();
  flush_at_turn_end();
  return {};
}

size_t StreamCore::write_now(ByteSpan bytes) {
  if (failure_ || connecting_ || shutdown_wanted_ || !writable_ || pending_ > 0) return 0;
  if (tls_ != nullptr) [[unlikely]]
    return seal_and_send(bytes);
  const ssize_t written = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (written >= 0) return static_cast<size_t>(written);
  note_write_error(errno);
  return 0;
}

void StreamCore::note_write_error(int error) {
  if (error == EINTR) return;
  if (error == EAGAIN || error == EWOULDBLOCK) {
    writable_ = false;
  } else {
    fail(errno_error(error, fmt::format("cannot write to {}", peer_.to_string())));
  }
}

void StreamCore::flush_at_turn_end() { shard_.at_turn_end(turn_end_); }

void StreamCore::end_of_turn(void* self) {
  auto& core = *static_cast<StreamCore*>(self);
  core.flush();
  if (std::exchange(core.read_later_, false)) {
    core.reads_in_turn_ = 0;
    core.serve_readers();
  }
}

void StreamCore::flush() {
  if (failure_ || connecting_) return;
  const bool told = pending() > 0 && flushed_ != nullptr;
  if (tls_ == nullptr) [[likely]] {
    while (writable_ && pending_ > 0 && write_batch()) {
    }
  } else {
    while (writable_ && pending() > 0 && write_sealed()) {
    }
  }
  if (failure_) return;
  if (pending_ == 0 && shutdown_wanted_) end_writing();
  if (failure_) return;
  if (pending() > 0) watch_for_stall();
  if (told) flushed_(flushed_context_);
  wake_drained();
}

size_t StreamCore::pending() const { return pending_ + (tls_ == nullptr ? 0 : tls_->sealed().size()); }

void StreamCore::secure(std::unique_ptr<TlsLayer> layer) {
  assert(pending_ == 0 && readers_.empty());
  tls_ = std::move(layer);
}

bool StreamCore::write_sealed() {
  if (tls_->sealed().empty()) seal_batch();
  return !failure_ && send_sealed();
}

bool StreamCore::send_sealed() {
  const Buffer& sealed = tls_->sealed();
  if (sealed.empty()) return false;
  const ssize_t written = ::send(fd, sealed.data(), sealed.size(), MSG_NOSIGNAL);
  if (written >= 0) {
    tls_->consume_sealed(static_cast<size_t>(written));
    last_progress_ = shard_.now();
    return true;
  }
  note_write_error(errno);
  return writable_ && !failure_;  // interrupted: again
}

// Small parts share a record: each record costs 22 bytes and a pass of the cipher.
void StreamCore::seal_batch() {
  std::array<uint8_t, kTlsRecord> together;
  while (pending_ > 0 && tls_->sealed().size() < kSealedBatch) {
    ByteSpan piece = queue_[queue_head_].span().subspan(head_offset_);
    if (piece.size() >= kTlsRecord) {
      piece = piece.first(std::min(piece.size(), kSealedBatch));
    } else if (piece.size() < pending_) {
      piece = std::span(together).first(copy_queued(together));
    }
    if (auto sealed = tls_->seal(piece); !sealed) return fail(std::move(sealed.error()));
    drop_written(piece.size());
  }
}

size_t StreamCore::copy_queued(std::span<uint8_t> into) const {
  size_t copied = 0;
  size_t skip = head_offset_;
  for (size_t i = queue_head_; i < queue_.size() && copied < into.size(); ++i, skip = 0) {
    const size_t size = std::min(queue_[i].size() - skip, into.size() - copied);
    std::memcpy(into.data() + copied, queue_[i].data() + skip, size);
    copied += size;
  }
  return copied;
}

// What is encrypted is taken: the kernel gets the rest of its batch later.
size_t StreamCore::seal_and_send(ByteSpan bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && writable_ && !failure_ && tls_->sealed().empty()) {
    const ByteSpan batch = bytes.subspan(taken, std::min(bytes.size() - taken, kSealedBatch));
    if (auto sealed = tls_->seal(batch); !sealed) {
      fail(std::move(sealed.error()));
      break;
    }
    taken += batch.size();
    send_sealed();
  }
  if (!failure_ && !tls_->sealed().empty()) watch_for_stall();
  return taken;
}

void StreamCore::watch_for_stall() {
  if (options_.write_stall_timeout <= Duration::zero() || stall_timer_.pending()) return;
  last_progress_ = shard_.now();
  shard_.schedule(stall_timer_, deadline_after(last_progress_, options_.write_stall_timeout));
}

void StreamCore::end_writing() {
  if (tls_ != nullptr) {
    tls_->seal_end();
    while (writable_ && !failure_ && send_sealed()) {
    }
  }
  if (!failure_ && pending() == 0) ::shutdown(fd, SHUT_WR);
}

bool StreamCore::write_batch() {
  std::array<iovec, kPartsPerWrite> parts;
  size_t count = 0;
  for (size_t i = queue_head_; i < queue_.size() && count < parts.size(); ++i, ++count) {
    const size_t skip = i == queue_head_ ? head_offset_ : 0;
    parts[count] = {const_cast<uint8_t*>(queue_[i].data()) + skip, queue_[i].size() - skip};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t written = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  if (written >= 0) {
    drop_written(static_cast<size_t>(written));
    last_progress_ = shard_.now();
    return true;
  }
  note_write_error(errno);
  return writable_ && !failure_;  // interrupted: again
}

void StreamCore::drop_written(size_t bytes) {
  pending_ -= bytes;
  if (pending_ == 0) {
    queue_.clear();
    queue_head_ = head_offset_ = 0;
    return;
  }
  while (bytes > 0) {
    Bytes& part = queue_[queue_head_];
    const size_t left = part.size() - head_offset_;
    if (bytes < left) {
      head_offset_ += bytes;
      break;
    }
    bytes -= left;
    part = Bytes();
    ++queue_head_;
    head_offset_ = 0;
  }
  if (queue_head_ >= kCompactParts && queue_head_ * 2 > queue_.size()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(queue_head_));
    queue_head_ = 0;
  }
}

void StreamCore::check_stall(void* self) {
  auto& core = *static_cast<StreamCore*>(self);
  if (core.pending() == 0 || core.failure_) return;
  const Deadline due = deadline_after(core.last_progress_, core.options_.write_stall_timeout);
  if (core.shard_.now() < due) {
    core.shard_.schedule(core.stall_timer_, due);
    return;
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(core.options_.write_stall_timeout).count();
  core.fail(Error(Code::deadline_exceeded, fmt::format("{} has taken no byte for {} ms while {} wait (write_stall_timeout); the connection is closed",
                                                       core.peer_.to_string(), ms, core.pending())));
}

void StreamCore::wake_drained() {
  if (drained_waits_.empty()) return;
  std::vector<Wait*> done;
  drained_waits_.for_each([&](Wait& wait) {
    if (pending() <= static_cast<Stream::Drained&>(wait).low_water_) done.push_back(&wait);
  });
  for (Wait* wait : done) wait->wake();
}

void StreamCore::shutdown_write() {
  if (failure_ || shutdown_wanted_) return;
  shutdown_wanted_ = true;
  flush_at_turn_end();
}

void StreamCore::fail(Error error) {
  if (failure_) return;
  assert(shard_.is_current() && "a stream belongs to its shard");
  failure_.emplace(std::move(error));
  shard_.forget(*this);
  ::close(std::exchange(fd, -1));
  stall_timer_.cancel();
  turn_end_.unlink();
  queue_.clear();
  queue_head_ = head_offset_ = pending_ = 0;
  while (!event_waits_.empty()) event_waits_.front().wake();
  while (!readers_.empty()) {
    auto& reader = static_cast<Stream::ReadSome&>(readers_.front());
    reader.answer_ = std::unexpected<Error>(*failure_);
    reader.wake();
  }
  while (!drained_waits_.empty()) {
    auto& drained = static_cast<Stream::Drained&>(drained_waits_.front());
    drained.failure_ = *failure_;
    drained.wake();
  }
}

// A peer of TLS is told when all that was written has left; else it must see that something is missing.
void StreamCore::close() {
  if (tls_ != nullptr && !failure_ && pending_ == 0) end_writing();
  if (!failure_) fail(Error(Code::unavailable, fmt::format("the stream to {} is closed", peer_.to_string())));
}

}  // namespace sofa::io::detail
