#include "sofa/state/raft/server.h"

#include "sofa/base/log.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"
#include "sofa/state/raft/cli.h"
#include "sofa/state/raft/describe.h"
#include "sofa/state/raft/detail/folder.h"
#include "sofa/state/raft/detail/heartbeats.h"
#include "sofa/state/raft/detail/node_impl.h"
#include "sofa/state/raft/detail/reply.h"
#include "sofa/transport/bolt_protocol.h"

namespace sofa::raft {

using detail::NodeImpl;
using detail::Reply;
using io::or_return;
using jraft::RaftError;
using namespace std::chrono_literals;

namespace {

const Logger kLog{"raft"};

/// Entries of one request, and what is around them.
constexpr size_t kMaxFrame = size_t{64} << 20;
/// What a record has beside an entry's data.
constexpr size_t kRecordRoom = size_t{4} << 10;

/// What ServerOptions::tls is for the port and for the connections; null: plain.
struct TlsContexts {
  std::shared_ptr<io::TlsServerContext> port{};
  std::shared_ptr<io::TlsClientContext> peers{};
};

io::Task<Result<TlsContexts>> open_tls(const std::optional<ServerTls>& tls) {
  TlsContexts contexts;
  if (!tls) co_return contexts;
  if (tls->ca.empty()) co_return fail(Code::invalid_argument, "TLS between nodes needs to know who signs their certificates: set ca");
  contexts.port = co_await or_return(io::TlsServerContext::open({.certificates = {tls->certificate}, .client_ca = tls->ca}));
  if (!tls->sends_plain) contexts.peers = co_await or_return(io::TlsClientContext::open({.ca = tls->ca, .certificate = tls->certificate}));
  co_return contexts;
}

class ServerImpl final : public Server, public NodeTable, private transport::Handler {
 public:
  ServerImpl(ServerOptions options, PeerId self, TlsContexts tls)
      : options_(std::move(options)),
        tls_(std::move(tls)),
        self_(std::move(self)),
        throttle_(options_.snapshot_bytes_per_second),
        pace_(options_.pace),
        file_service_(system_seed(), throttle_, pace_),
        peers_(tls_.peers, system_seed()) {}

  io::Task<Result<void>> open(std::vector<std::pair<std::string, transport::Handler*>> own);

  io::Task<Result<Node*>> start(NodeOptions options, std::unique_ptr<StateMachine> machine) override;
  io::Task<Result<void>> leave(Node& node) override;
  Node* find(std::string_view group, const PeerId& self) override { return find_impl(group, self); }
  std::vector<Node*> nodes() override;
  std::vector<Node*> nodes_of(std::string_view group) override;
  std::vector<MetricValue> metrics() override;
  void count_in_detail(Node& node) override { static_cast<NodeImpl&>(node).begin_metrics(); }
  std::string address() const override { return self_.address(); }
  const io::Address& local() const override { return port_->local(); }
  log::LogStats log_stats() const override { return log_->stats(); }
  io::Task<Result<void>> stop() override;

 private:
  log::FileSystem& files() { return options_.files != nullptr ? *options_.files : log::posix_file_system(); }
  NodeImpl* find_impl(std::string_view group, const PeerId& self);
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override;
  void on_message(uint64_t lane, const jraft::Message& message, Reply reply);
  void on_describe(const DescribeRequest& request, Reply reply);
  void at_home(auto work);
  void on_append(uint64_t lane, const jraft::Message& message, NodeImpl::Answer reply);
  void on_heartbeats(uint64_t lane, const jraft::HeartbeatsRequest& request, Reply reply);
  template <class Request>
  void to_node(uint64_t lane, const jraft::Message& message, const Request& request, NodeImpl::Answer reply);
  io::Task<void> keep_house();
  io::Task<void> look_after_members();
  std::vector<NodeImpl*> members() const;

  const ServerOptions options_;
  const TlsContexts tls_;
  const PeerId self_;
  io::Shard& home_ = io::Shard::current();
  SnapshotThrottle throttle_;
  Pace pace_;
  FileService file_service_;
  detail::Peers peers_;
  detail::NodeWatch watch_{peers_, options_.watch_interval, options_.node_lost_after};
  detail::ServerMetrics metrics_;
  std::unique_ptr<log::Log> log_;
  std::optional<detail::Directory> directory_;
  std::optional<detail::Shared> shared_;
  std::map<std::string, std::vector<std::shared_ptr<NodeImpl>>, std::less<>> groups_;
  std::vector<std::shared_ptr<NodeImpl>> left_;  // that the log must still tell something
  transport::Handlers handlers_;
  std::optional<transport::BoltProtocol> bolt_;
  std::unique_ptr<transport::Port> port_;
  LogRate bad_requests_{10};
  bool stopping_ = false;
  io::TaskGroup tasks_;
};

io::Task<Result<void>> ServerImpl::open(std::vector<std::pair<std::string, transport::Handler*>> own) {
  const std::string identity = options_.owner.empty() ? self_.address() : fmt::format("{} ({})", self_.address(), options_.owner);
  co_await or_return(io::run_blocking(io::Shard::current().runtime().file_pool(),
                                      [this, identity] { return detail::claim_folder(files(), options_.folder, identity); }));
  log::LogOptions log_options = options_.log;
  log_options.folder = options_.folder + "/log";
  log_ = co_await or_return(log::Log::open(std::move(log_options), files()));
  directory_.emplace(*log_);
  co_await or_return(directory_->read());
  shared_.emplace(detail::Shared{self_.address(), *log_, files(), peers_, file_service_, throttle_, pace_, watch_, metrics_,
                                 options_.log.max_record_bytes - kRecordRoom});
  peers_.on_connected([this](const std::string& address) {
    for (auto& [group, members] : groups_) {
      for (const auto& one : members) one->connected(address);
    }
  });
  std::vector<std::string> classes = cli_class_names();
  for (const std::string_view name : {jraft::PingRequest::kName, jraft::AppendEntriesRequest::kName, jraft::RequestVoteRequest::kName,
                                      jraft::InstallSnapshotRequest::kName, jraft::TimeoutNowRequest::kName, jraft::ReadIndexRequest::kName,
                                      jraft::GetFileRequest::kName, jraft::HeartbeatsRequest::kName, DescribeRequest::kName}) {
    classes.emplace_back(name);
  }
  for (std::string& name : classes) co_await or_return(handlers_.add(std::move(name), *this, transport::HeaderKind::opaque));
  for (auto& [name, handler] : own) co_await or_return(handlers_.add(std::move(name), *handler, transport::HeaderKind::opaque));
  transport::BoltServerOptions bolt;
  bolt.session.limits.max_frame = kMaxFrame;
  bolt.session.max_write_queue = options_.max_write_queue;
  bolt_.emplace(handlers_, bolt);
  auto address = io::Address::parse(options_.bind.empty() ? self_.address() : options_.bind);
  if (!address && options_.bind.empty()) co_return forward_error(address);
  if (!address) co_return std::unexpected(std::move(address.error()).wrap(fmt::format("the node {} listens at no address (bind)", self_.address())));
  transport::PortOptions port{.option_name = "the address of the node", .tls = tls_.port, .tls_only = options_.tls && !options_.tls->takes_plain};
  port.stream.max_write_queue = 2 * options_.max_write_queue;  // the session's bound is reached first
  port_ = co_await or_return(transport::Port::open(*address, {&*bolt_}, std::move(port)));
  tasks_.spawn("raft: gives space back", keep_house());
  tasks_.spawn("raft: watches nodes", watch_.run());
  tasks_.spawn("raft: looks after members", look_after_members());
  co_return Result<void>{};
}

/// Moves what little is alive in the oldest segment of the log, so that a group that writes seldom does not keep it for ever.
io::Task<void> ServerImpl::keep_house() {
  while (co_await io::sleep_for(1s)) {
    if (log_->stats().segments < 3 || log_->failure() != nullptr) continue;
    const auto moved = co_await log_->compact_oldest();
    if (!moved) kLog.warn("the oldest segment of the log was not emptied", {{"folder", options_.folder}, {"error", moved.error()}});
  }
}

/// Only those that are awake: a quiet group lacks nothing.
io::Task<void> ServerImpl::look_after_members() {
  while (co_await io::sleep_for(1s)) {
    const auto awake = metrics_.awake;
    for (NodeImpl* const one : awake) one->look_after_peers();
    if (metrics_.is_wanted()) metrics_.tidy(members(), io::Shard::current().now());
  }
}

std::vector<MetricValue> ServerImpl::metrics() { return metrics_.read(members(), self_.address(), log_->stats(), io::Shard::current().now()); }

// Requests.

void ServerImpl::at_home(auto work) {
  if (home_.is_current()) return work();
  home_.post(std::move(work));
}

void ServerImpl::handle(transport::IncomingRequest& request, transport::Responder& responder) {
  if (request.frame.class_name() == DescribeRequest::kName) {
    auto asked = jraft::decode<DescribeRequest>(request.frame.content_bytes());
    if (asked)
      return at_home([this, asked = std::move(*asked), reply = Reply(std::move(responder))]() mutable { on_describe(asked, std::move(reply)); });
  }
  const auto lane = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(&request.session));
  auto message = jraft::decode_message(request.frame.class_name(), request.frame.content_bytes());
  if (!message) {
    kLog.warn(bad_requests_, "request refused", {{"peer", request.session.peer().to_string()}, {"error", message.error()}});
    return detail::answer_message(responder, jraft::error_response({RaftError::erequest, std::string(message.error().message())}));
  }
  at_home(
      [this, lane, message = std::move(*message), reply = Reply(std::move(responder))]() mutable { on_message(lane, message, std::move(reply)); });
}

void ServerImpl::on_describe(const DescribeRequest& request, Reply reply) {
  const auto described = answer_describe(*this, request, io::Shard::current().now());
  if (described) return reply.send(DescribeResponse::kName, jraft::encode(*described));
  reply(jraft::error_response(status_of(described.error())));
}

void ServerImpl::on_message(uint64_t lane, const jraft::Message& message, Reply reply) {
  if (stopping_) return reply(jraft::error_response({RaftError::enodeshutdown, "the node is shutting down"}));
  if (std::holds_alternative<jraft::AppendEntriesRequest>(message)) return on_append(lane, message, std::move(reply));
  if (const auto* heartbeats = std::get_if<jraft::HeartbeatsRequest>(&message)) return on_heartbeats(lane, *heartbeats, std::move(reply));
  if (const auto* vote = std::get_if<jraft::RequestVoteRequest>(&message)) return to_node(lane, message, *vote, std::move(reply));
  if (const auto* install = std::get_if<jraft::InstallSnapshotRequest>(&message)) return to_node(lane, message, *install, std::move(reply));
  if (const auto* timeout = std::get_if<jraft::TimeoutNowRequest>(&message)) return to_node(lane, message, *timeout, std::move(reply));
  if (const auto* read = std::get_if<jraft::ReadIndexRequest>(&message)) return to_node(lane, message, *read, std::move(reply));
  if (std::holds_alternative<jraft::PingRequest>(message)) return reply(jraft::error_response({RaftError::success, "OK"}));
  if (const auto* file = std::get_if<jraft::GetFileRequest>(&message)) {
    return tasks_.spawn("raft: reads a file for a peer", [](FileService& files, jraft::GetFileRequest asked, Reply to) -> io::Task<void> {
      to(co_await files.get_file(std::move(asked)));
    }(file_service_, *file, std::move(reply)));
  }
  tasks_.spawn("raft: a command", [](NodeTable& table, jraft::Message asked, Reply to) -> io::Task<void> {
    to(co_await answer_cli(table, std::move(asked)));
  }(*this, message, std::move(reply)));
}

void ServerImpl::on_append(uint64_t lane, const jraft::Message& message, NodeImpl::Answer reply) {
  const auto& append = std::get<jraft::AppendEntriesRequest>(message);
  if (append.together.value_or(false)) reply = detail::telling_together(std::move(reply));
  to_node(lane, message, append, std::move(reply));
}

/// Each of them as if it had come alone. A group may end with any of them, another's too.
void ServerImpl::on_heartbeats(uint64_t lane, const jraft::HeartbeatsRequest& request, Reply reply) {
  constexpr size_t kMost = jraft::HeartbeatsRequest::kMost;
  const bool fits = request.heartbeats.size() <= kMost && std::ranges::all_of(request.heartbeats, &jraft::AppendEntriesRequest::is_heartbeat);
  if (!fits) {
    return reply(jraft::error_response({RaftError::erequest, fmt::format("Invalid request: {} heartbeats in one message, at most {}, without entries",
                                                                         request.heartbeats.size(), kMost)}));
  }
  const auto answers = std::make_shared<detail::HeartbeatAnswers>(request.heartbeats.size(), std::move(reply));
  for (size_t i = 0; i < request.heartbeats.size(); ++i) to_node(lane, request.heartbeats[i], request.heartbeats[i], answers->place(i));
}

namespace {
const std::string& peer_text(const std::string& peer) { return peer; }
std::string peer_text(const std::optional<std::string>& peer) { return peer.value_or(""); }
}  // namespace

template <class Request>
void ServerImpl::to_node(uint64_t lane, const jraft::Message& message, const Request& request, NodeImpl::Answer reply) {
  const auto peer = PeerId::parse(peer_text(request.peer_id));
  if (!peer) return reply(jraft::error_response({RaftError::einval, fmt::format("Fail to parse peerId: {}", peer_text(request.peer_id))}));
  NodeImpl* const node = find_impl(request.group_id, *peer);
  if (node == nullptr) {
    kLog.warn(bad_requests_, "request for a member that is not here",
              {{"group", request.group_id}, {"peer", peer->to_string()}, {"from", request.server_id}});
    return reply(
        jraft::error_response({RaftError::enoent, fmt::format("Peer id not found: {}, group: {}", peer_text(request.peer_id), request.group_id)}));
  }
  node->receive(lane, message, std::move(reply));
}

// Members.

NodeImpl* ServerImpl::find_impl(std::string_view group, const PeerId& self) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return nullptr;
  for (const auto& one : found->second) {
    if (one->self() == self) return one.get();
  }
  return nullptr;
}

std::vector<NodeImpl*> ServerImpl::members() const {
  std::vector<NodeImpl*> all;
  for (const auto& [group, members] : groups_) {
    for (const auto& one : members) all.push_back(one.get());
  }
  return all;
}

std::vector<Node*> ServerImpl::nodes() {
  const std::vector<NodeImpl*> all = members();
  return {all.begin(), all.end()};
}

std::vector<Node*> ServerImpl::nodes_of(std::string_view group) {
  std::vector<Node*> all;
  if (const auto found = groups_.find(group); found != groups_.end()) {
    for (const auto& one : found->second) all.push_back(one.get());
  }
  return all;
}

/// A number of the options that makes no sense.
Result<void> check_numbers(const NodeOptions& options) {
  struct Rule {
    bool broken;
    std::string_view name, must;
  };
  const Duration none{};
  for (const auto& [broken, name, must] : std::initializer_list<Rule>{
           {options.election_timeout < 10ms, "election_timeout", "at least 10 ms, of which a heartbeat takes its tenth"},
           {options.max_election_delay < none, "max_election_delay", "no less than zero"},
           {options.snapshot_interval < none, "snapshot_interval", "no less than zero, which means none by time"},
           {options.quiet_after < none, "quiet_after", "no less than zero, which means never"},
           {options.snapshot_log_margin < 0, "snapshot_log_margin", "no less than zero"},
           {options.idx < 0, "idx", "no less than zero"},
           {options.priority < PeerId::kNoPriority, "priority", "-1 (elections go by the log alone), 0 (it never leads) or more"},
           {options.apply_batch == 0, "apply_batch", "at least 1"},
           {options.max_waiting == 0, "max_waiting", "at least 1"}}) {
    if (broken) return fail(Code::invalid_argument, "the option {} of the group {} is out of its range: it must be {}", name, options.group, must);
  }
  return {};
}

io::Task<Result<Node*>> ServerImpl::start(NodeOptions options, std::unique_ptr<StateMachine> machine) {
  if (!jraft::is_group_name(options.group)) {
    co_return fail(Code::invalid_argument, "'{}' is no name of a group: a letter, then letters, digits, '-' and '_'", options.group);
  }
  if (!options.initial.empty() && !options.initial.is_valid()) {
    co_return fail(Code::invalid_argument, "the members '{}' of the group {} are no group: somebody must vote, and nobody be a peer and a learner",
                   options.initial.to_string(), options.group);
  }
  co_await or_return(check_numbers(options));
  if (options.max_entry_bytes + kRecordRoom > options_.log.max_record_bytes) {
    co_return fail(Code::invalid_argument,
                   "entries of {} bytes (max_entry_bytes) do not fit into a record of the log ({}, max_record_bytes): raise it",
                   options.max_entry_bytes, options_.log.max_record_bytes);
  }
  PeerId self = self_;
  self.idx = options.idx;
  self.priority = options.priority;
  if (find_impl(options.group, self) != nullptr) {
    co_return fail(Code::already_exists, "the member {} of the group {} is started already", self.to_string(), options.group);
  }
  const detail::GroupStreams streams = co_await or_return(directory_->streams_of(options.group, self));
  std::string folder = fmt::format("{}/snapshot/{}@{}_{}_{}", options_.folder, options.group, self.ip, self.port, self.idx);
  const std::string group = options.group;
  auto node = std::make_shared<NodeImpl>(std::move(options), std::move(self), streams, std::move(folder), *shared_, std::move(machine));
  co_await or_return(node->recover());
  groups_[group].push_back(node);
  node->start();
  co_return node.get();
}

io::Task<Result<void>> ServerImpl::leave(Node& node) {
  const auto found = groups_.find(node.group());
  if (found == groups_.end()) co_return fail(Code::not_found, "the group {} has no member here", node.group());
  for (auto one = found->second.begin(); one != found->second.end(); ++one) {
    if (one->get() != &node) continue;
    const std::shared_ptr<NodeImpl> leaving = *one;
    found->second.erase(one);
    if (found->second.empty()) groups_.erase(found);
    co_await leaving->stop();
    if (leaving->is_writing()) left_.push_back(leaving);  // the wait was cut short: the log still has something of it
    co_return Result<void>{};
  }
  co_return fail(Code::not_found, "the member {} of the group {} is not here", node.self().to_string(), node.group());
}

io::Task<Result<void>> ServerImpl::stop() {
  stopping_ = true;
  for (auto& [group, members] : groups_) {
    for (const auto& one : members) co_await one->stop();
  }
  if (port_ != nullptr) co_await or_return(port_->stop());
  co_await peers_.close();
  tasks_.cancel("the server stops");
  [[maybe_unused]] const auto joined = co_await tasks_.join();
  if (log_ == nullptr) co_return Result<void>{};
  const bool has_failed = log_->failure() != nullptr;  // which has been told, and must not be the end of every stop
  auto closed = co_await log_->close();
  groups_.clear();  // not before: what the log has of theirs is told to them, also when the wait in Node::stop() was cut short
  left_.clear();
  if (!closed && !has_failed) co_return forward_error(closed);
  co_return Result<void>{};
}

}  // namespace

io::Task<Result<std::unique_ptr<Server>>> Server::open(ServerOptions options, std::vector<std::pair<std::string, transport::Handler*>> own) {
  const auto self = PeerId::parse(options.address);
  if (!self || self->is_nobody()) {
    co_return fail(Code::invalid_argument, "the address '{}' of the node is no ip:port, as it stands in the members of its groups", options.address);
  }
  if (options.folder.empty()) co_return fail(Code::invalid_argument, "the node {} has no folder for its data: give it one", options.address);
  TlsContexts tls = co_await or_return(open_tls(options.tls));
  auto server = std::make_unique<ServerImpl>(std::move(options), PeerId{.ip = self->ip, .port = self->port}, std::move(tls));
  auto opened = co_await server->open(std::move(own));
  if (opened) co_return std::unique_ptr<Server>(std::move(server));
  [[maybe_unused]] const auto stopped = co_await server->stop();
  co_return forward_error(opened);
}

}  // namespace sofa::raft
