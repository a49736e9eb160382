#pragma once
// What one shard of a server has: its services, its running calls, its counters; and how a request becomes a call.

#include <atomic>
#include <deque>
#include <memory>

#include "sofa/base/metrics.h"
#include "sofa/grpc/server.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/calls.h"
#include "sofa/rpc/detail/admission.h"
#include "sofa/rpc/detail/request_route.h"
#include "sofa/rpc/detail/service_table.h"
#include "sofa/rpc/filter.h"
#include "sofa/rpc/server.h"
#include "sofa/rpc/streaming.h"
#include "sofa/transport/handler.h"

namespace sofa::rpc {

/// The one who fills a Context.
class ServerCallAccess {
 public:
  static void fill(Context& context, std::string_view service, std::string_view method, const io::Address& peer, Deadline deadline, bool oneway,
                   bolt::HeaderMap headers) {
    context.service_ = service;
    context.method_ = method;
    context.peer_ = &peer;
    context.deadline_ = deadline;
    context.oneway_ = oneway;
    context.headers_ = headers;
  }
  static void fill(Context& context, std::string_view service, std::string_view method, grpc::Call& call) {
    fill(context, service, method, call.peer(), call.deadline(), false, {});
    context.grpc_ = &call;
    context.fields_ = &call.metadata();
  }
  /// Of a call in this process, whose fields stand as gRPC's metadata does; `trace`: as Bolt has it.
  static void fill(Context& context, std::string_view service, std::string_view method, const io::Address& peer, Deadline deadline, bool oneway,
                   const http::Headers& fields, bolt::HeaderMap trace) {
    fill(context, service, method, peer, deadline, oneway, trace);
    context.fields_ = &fields;
  }
  /// `trace`: the trace context of the request's head, as Bolt has it.
  static void fill(Context& context, std::string_view service, std::string_view method, const http::Exchange& exchange, Deadline deadline,
                   bolt::HeaderMap trace) {
    fill(context, service, method, exchange.peer(), deadline, false, trace);
    context.fields_ = &exchange.request().headers;
  }
};

namespace detail {

/// Of one shard of a server, as long as the server is there.
struct Counters {
  Counter calls, errors, refused, busy, dropped;
};

/// What a caller is told when as many calls run as may.
inline constexpr std::string_view kFull = "as many calls run as may (max_calls, max_calls_of_all_shards); try later";
inline constexpr std::string_view kFullOfStreams = "as many streams are open as may (max_streams); try later";

/// The running calls of a server, whatever protocol brought them. From any shard.
class CallsOfServer {
 public:
  explicit CallsOfServer(size_t most) : most_(most) {}
  bool is_full() const { return running_.load(std::memory_order_relaxed) >= most_; }
  void add() { running_.fetch_add(1, std::memory_order_relaxed); }
  void remove() { running_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const size_t most_;
  std::atomic<size_t> running_{0};
};

/// Those of one shard. Belongs to it.
class CallsOfShard {
 public:
  CallsOfShard(size_t most, std::shared_ptr<CallsOfServer> of_server) : most_(most), of_server_(std::move(of_server)) {}
  bool is_full() const { return running_ >= most_ || of_server_->is_full(); }

  /// What a call has as long as it runs; it goes before what it counts in.
  class [[nodiscard]] Place {
   public:
    explicit Place(CallsOfShard& calls) : calls_(&calls) {
      ++calls.running_;
      calls.of_server_->add();
    }
    Place(Place&& other) noexcept : calls_(std::exchange(other.calls_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (calls_ == nullptr) return;
      --calls_->running_;
      calls_->of_server_->remove();
    }

   private:
    CallsOfShard* calls_;  // null: moved from
  };

 private:
  const size_t most_;
  size_t running_ = 0;
  const std::shared_ptr<CallsOfServer> of_server_;
};

/// Ends a call, as long as this lives, also when a scope that is not its parent is cancelled: that of its client, or of its server.
class EndsWith : public io::CancelHook {
 public:
  EndsWith(io::Scope& other, io::Scope& call) : CancelHook(&on_cancelled), call_(call) { other.watch(*this); }

 private:
  static void on_cancelled(CancelHook& self, const Error& reason) { static_cast<EndsWith&>(self).call_.cancel(reason); }
  io::Scope& call_;
};

/// Whether a call's deadline has passed. Reads the clock only when the deadline is near enough for one turn of the loop to matter.
bool is_past(Deadline deadline);

/// A request whose method is known: reads its arguments and writes its answer, by the serializer of the frame.
class BoltCall final : public ServerCall {
 public:
  BoltCall(bolt::Frame& frame, transport::Responder& responder, const MethodEntry& entry, ArgumentsAt at, const hessian::ClassFilter& classes,
           Counters& counters, CallTimer timer)
      : ServerCall(std::move(timer)), frame_(frame), responder_(responder), entry_(entry), at_(at), classes_(classes), counters_(counters) {}

  Context& context() override { return context_; }

 private:
  bool read(void* const* into) override;
  std::optional<Code> send(const void* result) override;
  std::optional<Code> send(Error error) override;
  bool too_late() const;
  Result<void> read_content(void* const* into);
  Result<void> write(Buffer& out, const void* result) const;
  void answer_exception(const Error& error);

  bolt::Frame& frame_;
  transport::Responder& responder_;
  const MethodEntry& entry_;
  const ArgumentsAt at_;
  const hessian::ClassFilter& classes_;
  Counters& counters_;
  Context context_;
};

/// Belongs to its shard; made and destroyed there.
class ShardServer {
 public:
  /// Made on its shard.
  ShardServer(const ServerOptions& options, const Filters& filters, Counters& counters, std::shared_ptr<CallsOfServer> calls);
  Result<void> add_services(const std::vector<ServiceEntry>& services);

  void handle(transport::IncomingRequest& request, transport::Responder& responder);
  /// Cancels the running calls and waits for their end, and for that of visits.
  Task<void> stop();

  // For every protocol that brings calls.

  const ServiceTable& services() const { return services_; }
  const ServerOptions& options() const { return options_; }
  Counters& counters() { return counters_; }
  /// The timer of a call that the current turn has read and that is looked at now. `app`: its caller.
  CallTimer begin_call(const MethodEntry& entry, CallProtocol protocol, std::string_view app);
  /// Whether a call must run as a task: its method is a coroutine or belongs on a pool, filters stand before it, or its service has a limit, which
  /// sees only calls that have come and do not run yet.
  static bool needs_task(const MethodEntry& entry) {
    return entry.method->implementation()->is_coroutine || entry.pool != nullptr || !entry.filters.empty() || entry.admission != nullptr;
  }
  /// Answers a call here and now; only one that needs no task.
  static void serve_now(ServerCall& call, const MethodEntry& entry);
  /// Whether as many calls run as may (max_calls, max_calls_of_all_shards): a further one gets "busy".
  bool is_full() const { return calls_->is_full(); }
  /// A place for a call that runs as a task; nothing, counted as busy, when there is none.
  std::optional<CallsOfShard::Place> take_place() {
    if (!is_full()) return std::optional<CallsOfShard::Place>(std::in_place, *calls_);
    counters_.busy.add();
    return std::nullopt;
  }
  /// A request that is no call of the server's own protocols, as one that runs, as long as this lives. It may outlive the server.
  class Guest {
   public:
    explicit Guest(std::shared_ptr<CallsOfShard> calls) : calls_(std::move(calls)), place_(*calls_) {}

   private:
    const std::shared_ptr<CallsOfShard> calls_;
    const CallsOfShard::Place place_;
  };
  const std::shared_ptr<CallsOfShard>& calls() const { return calls_; }
  class OpenStream {
   public:
    explicit OpenStream(size_t& count) : count_(&++count, [](size_t* of) { --*of; }) {}

   private:
    std::unique_ptr<size_t, void (*)(size_t*)> count_;
  };
  /// A place among the open streams, as long as it lives; nothing, counted as busy, when they are as many as may (max_streams).
  std::optional<OpenStream> open_stream();
  /// A call of the server that runs in a task of another owner: stop() waits for its end. Its owner cancels it before the server stops, or it
  /// ends with scope().
  class Visit {
   public:
    explicit Visit(ShardServer& server) : server_(server) { ++server_.visits_; }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() {
      if (--server_.visits_ == 0) server_.visits_over_.set();
    }

   private:
    ShardServer& server_;
  };
  /// Waits for its turn, when its service has a limit; reads the arguments, runs filters and method in `scope`, and answers. All of them live until
  /// it has ended.
  Task<void> serve(ServerCall& call, const MethodEntry& entry, io::Scope& scope) {
    return entry.admission == nullptr ? serve_at_once(call, entry, scope) : serve_in_turn(call, entry, scope);
  }
  /// Waits for its turn, when its service has a limit; runs filters and a method that streams. The filters see the call once, before its first
  /// message, and no arguments.
  Task<Result<void>> serve_stream(Context& context, const MethodEntry& entry, MessageStream& messages);
  /// Runs the task of a call, which keeps its place. Cancelled when the server stops.
  void spawn(Task<void> task) { running_.spawn("rpc call", std::move(task)); }
  /// Of the running calls: cancelled when the server stops.
  io::Scope& scope() { return running_.scope(); }

 private:
  static Deadline deadline_of(const transport::IncomingRequest& request, const RequestRoute& route);
  void refuse(const bolt::Frame& frame, transport::Responder& responder, const Refusal& refusal);
  static Task<void> run(ShardServer& self, CallsOfShard::Place place, bolt::Frame frame, bolt::HeaderMap header, transport::Responder responder,
                        const MethodEntry& entry, ArgumentsAt at, Deadline deadline, CallTimer timer);
  /// Counts the error of a limit as busy.
  void count_busy(const Error& error);
  void answer_error(ServerCall& call, Error error);
  Task<void> end_of_visits();
  Task<void> serve_at_once(ServerCall& call, const MethodEntry& entry, io::Scope& scope);
  Task<void> serve_in_turn(ServerCall& call, const MethodEntry& entry, io::Scope& scope);
  static Task<Result<void>> invoke(ServerCall& call, const MethodEntry& entry, void* const* arguments, void* result);
  static Task<Result<void>> pass_filters(ServerCall& call, const MethodEntry& entry, Values& values);

  const ServerOptions& options_;
  const Filters& filters_;               // those of the server
  std::deque<Filters> service_filters_;  // of each service, as its entries point to them
  Counters& counters_;
  CallLog* const log_;  // null: calls are not counted
  ServiceTable services_;
  std::vector<std::unique_ptr<Admission>> admissions_;
  std::vector<std::array<MethodCalls*, kCallProtocols>> rows_;  // of each entry; null before its first call
  io::TaskGroup running_;
  size_t streams_ = 0;  // open ones
  size_t visits_ = 0;
  io::Event visits_over_;
  const std::shared_ptr<CallsOfShard> calls_;
};

/// Answers with status 2, 0x11 or 0x12 and a sentence.
void answer_failure(transport::Responder& responder, bolt::Status status, std::string_view sentence);

}  // namespace detail
}  // namespace sofa::rpc
