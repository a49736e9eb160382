#include "sofa/state/raft/detail/peers.h"

#include "sofa/base/random.h"

namespace sofa::raft::detail {

using io::or_return;
using namespace std::chrono_literals;

EncodedRequest encode_request(const jraft::Message& request) {
  return std::visit(
      [](const auto& one) {
        EncodedRequest encoded{.class_name = std::decay_t<decltype(one)>::kName, .content = jraft::encode(one)};
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, jraft::AppendEntriesRequest>) encoded.header = jraft::append_header(one);
        return encoded;
      },
      request);
}

void answer_message(transport::Responder& responder, const jraft::Message& response) {
  const EncodedRequest encoded = encode_request(response);
  [[maybe_unused]] const auto sent = responder.answer(encoded.class_name, {}, encoded.content);  // fails for a connection that is gone
}

namespace {

transport::PoolOptions pool_options(std::shared_ptr<io::TlsClientContext> tls) {
  transport::PoolOptions options;
  options.backoff = {.first = 50ms, .most = 300ms, .jitter = 0.3};
  options.tls = std::move(tls);
  return options;
}

Result<jraft::Message> message_of(transport::Response& response) {
  if (!response.ok()) return fail(Code::internal, "the peer answers with the status {} of Bolt", bolt::to_string(response.status()));
  return jraft::decode_message(response.frame.class_name(), response.frame.content_bytes());
}

}  // namespace

Peers::Peers(std::shared_ptr<io::TlsClientContext> tls, uint64_t seed) : pool_(pool_options(std::move(tls)), Random(seed)) {}

Result<Peers::Peer*> Peers::peer(const std::string& address) {
  if (const auto found = peers_.find(address); found != peers_.end()) return &found->second;
  auto parsed = io::Address::parse(address);
  if (!parsed) return forward_error(parsed);
  auto* connections = pool_.peer(*parsed);
  if (connections == nullptr) return fail(Code::resource_exhausted, "no connection to {}: too many nodes are known", address);
  return &peers_.emplace(address, Peer{.address = *parsed, .connections = connections}).first->second;
}

void Peers::watch(const std::string& address, Peer& peer) {
  peer.wanted = io::Shard::current().now();
  if (std::exchange(peer.watched, true)) return;
  peer.connections->connect();
  tasks_.spawn("raft: waits for a connection", wait_for_connection(address, peer));
}

io::Task<void> Peers::wait_for_connection(std::string address, Peer& peer) {
  while (!peer.connections->is_live()) {
    peer.connections->connect();
    const bool goes_on = (co_await io::sleep_for(20ms)).has_value() && io::Shard::current().now() - peer.wanted < kLongestWatch;
    if (goes_on) continue;
    peer.watched = false;
    co_return;
  }
  peer.watched = false;
  peer.silent_since = {};
  if (listener_) listener_(address);
}

void Peers::call(const std::string& address, jraft::Message request, Duration timeout, Answered done) {
  auto found = peer(address);
  if (!found) return done(forward_error(found));
  Peer& to = **found;
  transport::Session* const session = to.connections->live();
  if (session == nullptr) {
    watch(address, to);
    const bool in_order = std::holds_alternative<jraft::AppendEntriesRequest>(request);
    if (!in_order) return tasks_.spawn("raft: connects and calls", connect_and_call(address, std::move(request), timeout, std::move(done)));
    return done(fail(Code::unavailable, "Check connection[{}] fail and try to create new one", address));
  }
  if (auto* append = std::get_if<jraft::AppendEntriesRequest>(&request); append != nullptr && append->is_heartbeat()) {
    return beat(to, *session, std::move(*append), timeout, std::move(done));
  }
  tasks_.spawn("raft: call", carry_out(to, transport::SessionRef(*session), encode_request(request), timeout, std::move(done)));
}

// Heartbeats.

void Peers::beat(Peer& peer, transport::Session& session, jraft::AppendEntriesRequest heartbeat, Duration timeout, Answered done) {
  if (peer.takes_together.get() == &session) {
    if (peer.together.empty()) beating_.push_back(&peer);
    peer.together[timeout].push_back({.request = std::move(heartbeat), .done = std::move(done)});
    return io::Shard::current().at_turn_end(turn_end_);
  }
  heartbeat.together = true;
  Answered learn = [&peer, over = transport::SessionRef(session), done = std::move(done)](Result<jraft::Message> answer) {
    const auto* append = answer ? std::get_if<jraft::AppendEntriesResponse>(&*answer) : nullptr;
    if (append != nullptr && append->together.value_or(false)) peer.takes_together = over;
    done(std::move(answer));
  };
  tasks_.spawn("raft: heartbeat", carry_out(peer, transport::SessionRef(session), encode_request(std::move(heartbeat)), timeout, std::move(learn)));
}

void Peers::turn_ends() {
  for (Peer* const peer : std::exchange(beating_, {})) {
    for (auto& [timeout, heartbeats] : std::exchange(peer->together, {})) {
      for (std::span<Heartbeat> rest = heartbeats; !rest.empty();) {
        const size_t count = std::min(rest.size(), jraft::HeartbeatsRequest::kMost);
        send_together(*peer, rest.first(count), timeout);
        rest = rest.subspan(count);
      }
    }
  }
}

namespace {

/// To each what its group has answered; what became of the message, where there is no such answer.
void hand_out(const Result<jraft::Message>& answer, const std::vector<Answered>& waiting) {
  const auto* together = answer ? std::get_if<jraft::HeartbeatsResponse>(&*answer) : nullptr;
  if (together == nullptr || together->answers.size() != waiting.size()) {
    const bool is_error = !answer || std::holds_alternative<jraft::ErrorResponse>(*answer);
    const Result<jraft::Message> same =
        is_error ? answer : fail(Code::internal, "the answer to {} heartbeats is none to each of them", waiting.size());
    for (const Answered& done : waiting) done(same);
    return;
  }
  for (size_t i = 0; i < waiting.size(); ++i) {
    const jraft::AppendEntriesResponse& one = together->answers[i];
    waiting[i](one.error ? jraft::Message(*one.error) : jraft::Message(one));
  }
}

}  // namespace

void Peers::send_together(Peer& peer, std::span<Heartbeat> heartbeats, Duration timeout) {
  if (heartbeats.size() == 1) {  // as JRaft's nodes send it
    return tasks_.spawn("raft: heartbeat", carry_out(peer, peer.takes_together, encode_request(std::move(heartbeats[0].request)), timeout,
                                                     std::move(heartbeats[0].done)));
  }
  jraft::HeartbeatsRequest request;
  std::vector<Answered> waiting;
  request.heartbeats.reserve(heartbeats.size());
  waiting.reserve(heartbeats.size());
  for (Heartbeat& one : heartbeats) {
    request.heartbeats.push_back(std::move(one.request));
    waiting.push_back(std::move(one.done));
  }
  tasks_.spawn("raft: heartbeats", carry_out(peer, peer.takes_together, encode_request(std::move(request)), timeout,
                                             [waiting = std::move(waiting)](const Result<jraft::Message>& answer) { hand_out(answer, waiting); }));
}

io::Task<void> Peers::carry_out(Peer& peer, transport::SessionRef session, EncodedRequest request, Duration timeout, Answered done) {
  const Instant begun = io::Shard::current().now();
  const auto bytes_before = session->stats().bytes_in;
  auto response = co_await session->call(
      {.class_name = request.class_name, .header = request.header.span(), .content = std::move(request.content), .timeout = timeout});
  if (response) {
    peer.silent_since = {};
    co_return done(message_of(*response));
  }
  // A connection over which nothing comes may be half open: a new one is tried before TCP gives it up. A slow peer is left alone for a while: what it
  // has received over a connection that is closed it answers to nobody.
  const bool silent = response.error().code() == Code::deadline_exceeded && session->stats().bytes_in == bytes_before;
  if (silent && peer.silent_since == Instant()) peer.silent_since = begun;
  if (silent && session->is_open() && io::Shard::current().now() - peer.silent_since > kLongestSilence) {
    peer.silent_since = {};
    session->close("it answers nothing");
  }
  done(forward_error(response));
}

io::Task<void> Peers::connect_and_call(std::string address, jraft::Message request, Duration timeout, Answered done) {
  done(co_await ask(std::move(address), std::move(request), timeout));
}

io::Task<Result<jraft::Message>> Peers::ask(std::string address, jraft::Message request, Duration timeout) {
  Peer& to = *co_await or_return(peer(address));
  const auto session = co_await or_return(to.connections->get());
  const EncodedRequest encoded = encode_request(request);
  auto response =
      co_await session->call({.class_name = encoded.class_name, .header = encoded.header.span(), .content = encoded.content, .timeout = timeout});
  if (!response) co_return forward_error(response);
  co_return message_of(*response);
}

transport::SessionRef Peers::session(const std::string& address) {
  auto found = peer(address);
  transport::Session* const live = found ? (*found)->connections->live() : nullptr;
  return live == nullptr ? transport::SessionRef() : transport::SessionRef(*live);
}

io::Task<void> Peers::close() {
  turn_ends();
  tasks_.cancel("the server stops");
  co_await pool_.close();
  [[maybe_unused]] const auto joined = co_await tasks_.join();
}

}  // namespace sofa::raft::detail
