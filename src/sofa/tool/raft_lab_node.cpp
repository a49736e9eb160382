#include "sofa/tool/raft_lab_node.h"

#include "sofa/io/runtime.h"

namespace sofa::tool {

namespace {

constexpr std::string_view kFile = "data";
constexpr size_t kPiece = size_t{1} << 20;

enum class LabStatus : uint8_t { ok, not_leader, error, missing };

void answer(transport::Responder& responder, LabStatus status, ByteSpan rest = {}) {
  // An answer that does not fit a frame has been answered with a status of Bolt.
  (void)responder.answer_with(LabHandler::kResponse, {}, [&](Buffer& out) {
    out.append_u8(static_cast<uint8_t>(status));
    out.append(rest);
    return true;
  });
}

void answer_error(transport::Responder& responder, std::string_view sentence) { answer(responder, LabStatus::error, as_bytes(sentence)); }

bool is_write(uint8_t op) { return op >= static_cast<uint8_t>(LabOp::put) && op <= static_cast<uint8_t>(LabOp::append); }

/// What a request asks for. The lab's page calls these ops 10 to 14 and does not say to which base: both are taken.
LabOp op_of(ByteSpan request) {
  constexpr uint8_t kDecimal = 10, kLastDecimal = 14, kApart = static_cast<uint8_t>(LabOp::get) - kDecimal;
  const uint8_t op = request[0];
  return static_cast<LabOp>(op >= kDecimal && op <= kLastDecimal ? op + kApart : op);
}

}  // namespace

// LabMachine

void LabMachine::apply(raft::Batch& batch) {
  for (raft::Committed& one : batch) {
    Bytes result = state_.apply(one.data());
    if (one.is_waited_for()) one.reply(std::move(result));
  }
}

io::Task<Result<void>> LabMachine::save(raft::SnapshotWriter& to) {
  const LabState::Frozen frozen = state_.freeze();
  io::BlockingPool& pool = io::Shard::current().runtime().blocking_pool();
  using Items = std::vector<LabState::Frozen::Item>;
  const Items items = co_await io::or_return(io::run_blocking(pool, [&frozen] { return Result<Items>(frozen.sorted()); }));
  size_t at = 0;
  do {
    const auto encode = [&items, &at]() -> Result<Bytes> {
      Buffer out;
      while (at < items.size() && out.size() < kPiece) LabState::Frozen::encode(items[at++], out);
      return out.take();
    };
    Bytes piece = co_await io::or_return(io::run_blocking(pool, encode));
    co_await io::or_return(to.append(std::string(kFile), std::move(piece)));
  } while (at < items.size());
  co_return Result<void>();
}

io::Task<Result<void>> LabMachine::load(raft::SnapshotReader& from) {
  LabState loaded;
  LabState::Loader loader(loaded);
  for (uint64_t offset = 0;;) {
    const Bytes piece = co_await io::or_return(from.read(std::string(kFile), offset, kPiece));
    loader.add(piece);
    offset += piece.size();
    if (piece.size() < kPiece) break;
  }
  co_await io::or_return(loader.finish());
  state_ = std::move(loaded);
  co_return Result<void>();
}

// LabHandler

void LabHandler::serve(raft::Node& node, const LabMachine& machine) {
  node_ = &node;
  machine_ = &machine;
}

io::Task<void> LabHandler::join() { [[maybe_unused]] const auto joined = co_await tasks_.join(); }

void LabHandler::handle(transport::IncomingRequest& request, transport::Responder& responder) {
  if (node_ == nullptr) return answer_error(responder, "The node is starting.");
  Bytes content = request.frame.content_bytes();
  if (content.empty()) return answer_error(responder, "The request is empty.");
  if (is_write(content[0])) return write(std::move(content), responder);
  switch (op_of(content)) {
    case LabOp::get:
    case LabOp::dump:
      return read(std::move(content), responder);
    case LabOp::get_local: {
      const auto asked = LabRequest::parse(content);
      return asked ? answer_value(*asked, responder) : answer_error(responder, "The key's length does not fit the request.");
    }
    case LabOp::info:
      return answer(responder, LabStatus::ok, as_bytes(info()));
    case LabOp::snapshot:
      return trigger_snapshot(responder);
    default:
      return answer_error(responder, fmt::format("Unknown op {}", content[0]));
  }
}

uint32_t LabHandler::wait(transport::Responder& responder, Bytes request) {
  if (free_.empty()) {
    waiting_.emplace_back();
    free_.push_back(static_cast<uint32_t>(waiting_.size() - 1));
  }
  const uint32_t place = free_.back();
  free_.pop_back();
  waiting_[place] = {std::move(responder), std::move(request)};
  return place;
}

LabHandler::Waiting LabHandler::take(uint32_t place) {
  free_.push_back(place);
  return std::exchange(waiting_[place], {});
}

void LabHandler::write(Bytes entry, transport::Responder& responder) {
  if (node_->core().role() != raft::Role::leader) return answer_not_leader(responder);
  const uint32_t place = wait(responder, {});
  node_->apply(std::move(entry), [this, place](Result<Bytes> done) {
    Waiting one = take(place);
    if (done) return answer(one.responder, LabStatus::ok, *done);
    const jraft::Status status = raft::status_of(done.error());
    // Only this says that nothing was begun, so that a client may ask another node.
    if (status.code == jraft::RaftError::eperm) return answer_not_leader(one.responder);
    answer_error(one.responder, status.to_string());
  });
}

void LabHandler::read(Bytes request, transport::Responder& responder) {
  const uint32_t place = wait(responder, std::move(request));
  node_->read([this, place](Result<void> done) {
    Waiting one = take(place);
    if (!done) return answer_error(one.responder, raft::status_of(done.error()).to_string());
    if (op_of(one.request) == LabOp::dump) return answer_dump(one.responder);
    const auto asked = LabRequest::parse(one.request);
    asked ? answer_value(*asked, one.responder) : answer_error(one.responder, "The key's length does not fit the request.");
  });
}

void LabHandler::trigger_snapshot(transport::Responder& responder) {
  tasks_.spawn("lab: saves a snapshot", [](raft::Node& node, transport::Responder to) -> io::Task<void> {
    const auto saved = co_await node.snapshot();
    saved ? answer(to, LabStatus::ok, as_bytes("\x01")) : answer_error(to, raft::status_of(saved.error()).to_string());
  }(*node_, std::move(responder)));
}

void LabHandler::answer_value(const LabRequest& request, transport::Responder& responder) const {
  if (!request.rest.empty()) return answer_error(responder, "The key's length does not fit the request.");
  const auto value = machine_->state().find(request.key);
  value ? answer(responder, LabStatus::ok, as_bytes(*value)) : answer(responder, LabStatus::missing);
}

void LabHandler::answer_dump(transport::Responder& responder) const {
  const LabState& state = machine_->state();
  if (state.encoded_bytes() > kMostOfDump) {
    return answer_error(responder, fmt::format("The state has {} bytes: one answer takes at most {}.", state.encoded_bytes(), kMostOfDump));
  }
  (void)responder.answer_with(kResponse, {}, [&](Buffer& out) {
    out.append_u8(static_cast<uint8_t>(LabStatus::ok));
    state.encode(out);
    return true;
  });
}

void LabHandler::answer_not_leader(transport::Responder& responder) const {
  const jraft::PeerId& leader = node_->core().leader();
  answer(responder, LabStatus::not_leader, as_bytes(leader.is_nobody() ? "" : leader.to_string()));
}

/// "state term committed applied leader"; "-" for no leader.
std::string LabHandler::info() const {
  const raft::Core& core = node_->core();
  return fmt::format("{} {} {} {} {}", to_string(core.role()), core.term(), core.commit_index(), core.applied_index(),
                     core.leader().is_nobody() ? "-" : core.leader().to_string());
}

}  // namespace sofa::tool
