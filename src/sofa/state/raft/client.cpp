#include "sofa/state/raft/client.h"

#include <algorithm>

#include "sofa/base/random.h"
#include "sofa/io/scope.h"
#include "sofa/io/sync.h"
#include "sofa/transport/pool.h"
#include "sofa/wire/jraft/messages.h"

namespace sofa::raft {

using jraft::RaftError;

namespace {

/// Of one try where another may follow: a node that hangs must not take all the time.
constexpr Duration kMostOfOneTry = std::chrono::seconds(1);

transport::PoolOptions pool_options(const ClientOptions& options) {
  transport::PoolOptions pool;
  pool.reconnect = false;
  pool.backoff.most = options.pause;
  pool.tls = options.tls;
  return pool;
}

/// A try that gave no result.
struct Failure {
  Error error;
  bool nothing_begun = false;           // so that an entry may be sent once more
  RaftError code = RaftError::success;  // of the group
  std::optional<PeerId> leader{};
};
using Try = std::expected<Bytes, Failure>;

Try result_of(const PeerId& from, const bolt::Frame& frame) {
  if (frame.status != bolt::Status::success || frame.class_name() != ClientResponse::kName) {
    return std::unexpected(
        Failure{.error = Error(Code::unimplemented, fmt::format("{} does not serve clients of a group", from.to_string())), .nothing_begun = true});
  }
  auto response = jraft::decode<ClientResponse>(frame.content_bytes());
  if (!response) return std::unexpected(Failure{.error = std::move(response.error())});
  if (response->code == 0) return std::move(response->result);
  const auto code = static_cast<RaftError>(response->code);
  return std::unexpected(Failure{.error = error_of({code, std::move(response->message)}).wrap(fmt::format("{} refuses", from.to_string())),
                                 .nothing_begun = code == RaftError::eperm || code == RaftError::ebusy || code == RaftError::enoent,
                                 .code = code,
                                 .leader = PeerId::parse(response->leader)});
}

/// Whether another try would end the same. EINVAL of an entry says that no node takes it; of a question, that this node has failed.
bool is_final(RaftError code, bool is_question) {
  return code == RaftError::erequest || code == RaftError::estale || (code == RaftError::einval && !is_question);
}

}  // namespace

struct Client::Impl {
  Impl(std::string name, jraft::Configuration conf, ClientOptions given)
      : group(std::move(name)), members(std::move(conf)), options(std::move(given)), pool(pool_options(options), Random(system_seed())) {}

  io::Task<Result<Bytes>> call(bool is_question, Bytes data) {
    ClientRequest request{.group_id = group, .is_question = is_question, .data = std::move(data)};
    co_return co_await io::with_timeout(
        options.timeout, options.exactly_once && !is_question ? write_once(std::move(request)) : try_all(is_question, std::move(request)));
  }

  /// One after another: a session knows its newest entry alone.
  io::Task<Result<Bytes>> write_once(ClientRequest request) {
    const auto turn = co_await io::or_return(one_write.lock());
    request.session = static_cast<int64_t>(own_session);
    request.number = static_cast<int64_t>(++number);
    co_return co_await try_all(true, std::move(request));
  }

  /// Until there is a result, the deadline, or a doubt; there is none about what can be sent again.
  io::Task<Result<Bytes>> try_all(bool can_repeat, ClientRequest request) {
    const Bytes content = jraft::encode(request);
    bool doubt = false;
    for (size_t tries = 0;; ++tries) {
      const PeerId to = co_await io::or_return(next(tries));
      Try outcome = co_await try_one(to, content, can_repeat ? kMostOfOneTry : options.timeout);
      if (outcome) {
        leader = to;
        co_return std::move(*outcome);
      }
      Failure& failure = outcome.error();
      if (is_final(failure.code, request.is_question)) co_return std::unexpected(std::move(failure.error));
      doubt = doubt || (!request.is_question && !failure.nothing_begun);
      if (doubt && !can_repeat) co_return in_doubt(std::move(failure.error));
      // Who knows the leader sends us there at once; else every member is asked, and then there is a pause.
      leader = failure.leader && *failure.leader != to ? failure.leader : std::nullopt;
      if (leader && tries % 8 != 7) continue;
      if (tries % members.peers.size() != members.peers.size() - 1) continue;
      if (co_await io::remaining() <= options.pause) co_return too_late(std::move(failure.error), doubt);
      co_await io::or_return(io::sleep_for(options.pause));
    }
  }

  /// Who leads, as far as that is known; else one member after the other.
  Result<PeerId> next(size_t tries) const {
    if (leader) return *leader;
    if (members.peers.empty()) return fail(Code::invalid_argument, "the members of the group {} name no node", group);
    return members.peers[tries % members.peers.size()];
  }

  io::Task<Try> try_one(PeerId to, Bytes content, Duration most) {
    auto address = io::Address::parse(to.address());
    if (!address) co_return std::unexpected(Failure{.error = std::move(address.error()), .nothing_begun = true});
    auto session = co_await pool.get(*address);
    if (!session) co_return std::unexpected(Failure{.error = std::move(session.error()), .nothing_begun = true});
    auto answer = co_await (*session)->call(
        {.class_name = ClientRequest::kName, .header = {}, .content = std::move(content), .timeout = std::min(most, co_await io::remaining())});
    if (!answer) co_return std::unexpected(Failure{.error = std::move(answer.error())});
    co_return result_of(to, answer->frame);
  }

  std::unexpected<Error> in_doubt(Error error) const {
    return std::unexpected<Error>(std::move(error).wrap(fmt::format("the group {} has not acknowledged the entry, it may have been applied", group)));
  }
  std::unexpected<Error> too_late(Error last, bool doubt) const {
    const auto timeout = options.timeout / std::chrono::milliseconds(1);
    Error late(Code::deadline_exceeded, fmt::format("no leader of the group {} has answered within {} ms", group, timeout));
    late = std::move(late).with_cause(std::move(last));
    return doubt ? in_doubt(std::move(late)) : std::unexpected<Error>(std::move(late));
  }

  const std::string group;
  const jraft::Configuration members;
  const ClientOptions options;
  transport::ConnectionPool pool;
  std::optional<PeerId> leader{};
  const uint64_t own_session = Random(system_seed()).next();
  uint64_t number = 0;  // of its newest entry
  io::Mutex one_write{};
};

Client::Client(std::string group, jraft::Configuration members, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(group), std::move(members), std::move(options))) {}
Client::~Client() = default;

io::Task<Result<Bytes>> Client::apply(Bytes data) { return impl_->call(false, std::move(data)); }
io::Task<Result<Bytes>> Client::ask(Bytes question) { return impl_->call(true, std::move(question)); }
io::Task<void> Client::close() { return impl_->pool.close(); }

}  // namespace sofa::raft
