#pragma once
// A call that streams within this process: two bounded queues of messages between the client's end and the service's.

#include <algorithm>
#include <deque>

#include "sofa/io/sync.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc::detail {

/// A message that waits, moved here from its writer.
class HeldMessage {
 public:
  HeldMessage(const ValueShape& shape, void* from);
  HeldMessage(HeldMessage&& other) noexcept : shape_(other.shape_), at_(std::exchange(other.at_, nullptr)) {}
  HeldMessage& operator=(HeldMessage&&) = delete;
  ~HeldMessage();
  void move_to(void* into) { shape_.take(into, at_); }

 private:
  const ValueShape& shape_;
  void* at_;
};

/// The messages of one direction, on one shard.
class MessageLane {
 public:
  /// `most`: that wait, at least 1.
  MessageLane(const ValueShape& shape, size_t most) : shape_(shape), most_(std::max<size_t>(most, 1)) {}
  /// Waits for room. Fails when the lane is cut off.
  Task<Result<void>> write(void* message);
  /// What was written before the end, or before the lane was cut off, can be read; false at the end, then.
  Task<Result<bool>> read(void* into);
  /// No further message.
  void end();
  /// Fails writes now and reads when they have come to the end; the first error stays.
  void cut_off(Error error);
  bool is_over() const { return ended_ || failure_.has_value(); }

 private:
  Task<Result<void>> change();
  void wake() { changed_.set(); }

  const ValueShape& shape_;
  const size_t most_;
  std::deque<HeldMessage> messages_;
  bool ended_ = false;
  std::optional<Error> failure_;
  io::Event changed_;
};

/// Shared by both ends.
struct InProcessStream {
  InProcessStream(const MethodShape& shape, size_t most) : questions(shape.arguments[0], most), answers(shape.result, most) {}
  MessageLane questions, answers;
  io::Scope* scope = nullptr;     // of the service, while it runs
  std::optional<Error> given_up;  // by the client, before the service ran

  /// The client has given the call up: the service's waits end.
  void give_up(Error reason);
  /// What the service has answered.
  void finish(Result<void> status);
};

/// Destroyed before the end, it gives the call up.
class InProcessClientEnd final : public MessageStream {
 public:
  InProcessClientEnd(std::shared_ptr<InProcessStream> stream, std::string_view method) : stream_(std::move(stream)), method_(method) {}
  ~InProcessClientEnd() override;
  Task<Result<bool>> read(void* into) override;
  Task<Result<void>> write(void* message) override { return stream_->questions.write(message); }
  Result<void> finish_writes() override { return stream_->questions.end(), Result<void>(); }

 private:
  const std::shared_ptr<InProcessStream> stream_;
  const std::string_view method_;
};

class InProcessServiceEnd final : public MessageStream {
 public:
  explicit InProcessServiceEnd(InProcessStream& stream) : stream_(stream) {}
  Task<Result<bool>> read(void* into) override { return stream_.questions.read(into); }
  Task<Result<void>> write(void* message) override { return stream_.answers.write(message); }
  Result<void> finish_writes() override { return {}; }

 private:
  InProcessStream& stream_;
};

}  // namespace sofa::rpc::detail
