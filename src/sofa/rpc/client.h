#pragma once
// A client of services over Bolt and HTTP (SOFARPC), Dubbo 2 and gRPC (Triple): 20 lines make a program (examples/hello/client.cpp).
//
//   rpc::Task<Result<void>> pay() {
//     auto ledger = co_await rpc::or_return(rpc::connect<Ledger>("bolt://127.0.0.1:12200"));
//     auto receipt = co_await ledger->transfer({.id = "t-1", .from = "a", .to = "b", .cents = 250});
//     if (!receipt) co_return forward_error(receipt);   // "bank.Ledger.transfer at 127.0.0.1:12200, attempt 2 of 2: no answer within 800 ms"
//     co_return {};
//   }

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/backoff.h"
#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/cluster/fault_tolerance.h"
#include "sofa/cluster/outlier.h"
#include "sofa/cluster/router.h"
#include "sofa/io/runtime.h"  // io::run: this header alone makes a program
#include "sofa/io/task.h"
#include "sofa/io/tls.h"
#include "sofa/rpc/calls.h"
#include "sofa/rpc/context.h"
#include "sofa/rpc/filter.h"
#include "sofa/rpc/interface.h"
#include "sofa/rpc/providers.h"
#include "sofa/rpc/strategy.h"
#include "sofa/wire/bolt/frame.h"
#include "sofa/wire/hessian/dialect.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::rpc {

struct ClientOptions {
  std::string version = "1.0";                         ///< empty: none, which only Dubbo's services may have
  std::string unique_id{};                             ///< Dubbo's group
  std::string app{};                                   ///< this application's name, shown to providers; empty: not sent
  Duration timeout{};                                  ///< of one attempt, where neither the call nor its method says otherwise; zero: what the
                                                       ///< provider's URL says, else 3 s
  int retries = 0;                                     ///< further attempts of a call, each at another provider while there is one. Only when the
                                                       ///< provider was busy or stopping, did not answer in time, or could not be reached:
                                                       ///< such a call may have been carried out, so the service must bear it twice
  Duration connect_timeout = std::chrono::seconds(1);  ///< of one attempt to connect
  unsigned connections = 1;                            ///< to each provider; over HTTP/1.1 http_connections, over h2c and h2 one
  unsigned http_connections = 64;                      ///< to each provider over http://, where each carries one call at a time; further calls wait
  size_t max_frame = size_t{32} << 20;                 ///< bytes of content of one answer
  size_t max_pending = 65'536;  ///< calls that wait for an answer, for each connection; over gRPC: for a place on it, and oneway calls of the client
  uint8_t codec = bolt::kCodecHessian;  ///< kCodecJson: described types as JSON. Protobuf methods always use kCodecProtobuf
  bool check = true;                    ///< connect() fails when no provider can be reached; false: the first call connects
  bool connect_all = false;             ///< the client connects to every provider, and to those that join later, before a call
                                        ///< needs them; false: to one, and to others as calls choose them
  Duration address_wait{};              ///< how long connect() waits for a list of providers that is still empty
  Filters filters{};
  /// Which provider gets a call: random, localPref, roundRobin, weightRoundRobin, consistentHash, weightConsistentHash, leastRequest, or auto
  /// (random).
  std::string balancer = "auto";
  std::string own_host{};  ///< localPref: the address under which this machine is a provider; empty: those of its interfaces
  bool sticky = false;     ///< keep to one provider while it is connected
  cluster::FaultToleranceOptions fault_tolerance{};  ///< providers that fail far more often than the others get less; off unless regulation_effective
  cluster::OutlierOptions outliers{};                ///< providers that fail in a row or are far slower than the others get none for a while; off
  cluster::Routers routers{};                        ///< which providers a call may go to at all, in order
  Strategy strategy = Strategy::failover;
  int forks = 2;      ///< Strategy::forking: providers that are asked at once; connect() refuses less than 1
  Hedging hedging{};  ///< with failover and failfast; takes the place of `retries`. A call has one timeout for each attempt
  Failback failback{};
  Backoff backoff{};                                          ///< of retries at a provider that was asked already
  std::optional<cluster::RetryBudgetOptions> retry_budget{};  ///< bounds retries and hedges; nothing: `retries` alone does
  /// Answers every call in place of a provider, by its methods' implementations (Java: mock "local"); connect() then connects to nobody.
  /// Implementations get copies of the arguments; a method without one is Code::unimplemented, and so is one that streams.
  std::shared_ptr<Interface> mock{};
  /// What answers a method's calls by a script, "*" those of all other methods:
  ///   return                the result's default (null where there is one); of a method that streams no message
  ///   return JSON           that value; of a method whose server streams a list of its messages
  ///   throw, throw CLASS    Code::unavailable; a Java exception
  ///   ask URL,URL           whoever answers at these direct URLs, asked in turn: mock servers
  /// `force:` before it: always, and no provider is asked; `fail:`, or nothing: when no provider could be asked, or none answered.
  /// A script that cannot be read, and JSON that its method cannot give, is an error of connect(); behind "*" the JSON is read when it is played. A
  /// stream is taken over only while it is opened.
  std::map<std::string, std::string> mock_scripts{};
  std::shared_ptr<Calls> calls{};                  ///< where attempts are counted by method, with latencies and stages (calls.h); null: nowhere
  std::optional<io::TlsClientConfig> tls{};        ///< connect over TLS; the name to verify is the provider's host, unless server_name is set.
                                                   ///< Without it only grpcs:// and h2:// do, and believe whom the system believes
  Duration heartbeat = std::chrono::seconds(15);   ///< a connection without a byte for so long is asked for a sign of life; after three unanswered
                                                   ///< ones it is closed. Zero: never. Over gRPC only while a call runs, not before 5 minutes: its
                                                   ///< servers end a connection that is asked more often
  Duration target_idle = std::chrono::minutes(5);  ///< a provider that is not of the list (CallOptions::target, or one that left it) and is not
                                                   ///< called for so long loses its connections. Zero: never
  /// Which classes the Hessian content of an answer may name; by default all. One that is not admitted ends the call with permission_denied and its
  /// name. With an allow list: also those of the JDK that results and exceptions use ("java.").
  hessian::ClassFilter classes{};
};

namespace detail {
struct ServiceNames {
  std::string interface;  // Java's
  std::string proto;      // in gRPC paths
};
template <ServiceInterface T>
ServiceNames names_of() {
  return {std::string(T::kName), std::string(proto_name_of<T>())};
}
class ClientProtocol;
/// `in_process`: a protocol of providers that no URL names (in_process.h), or null.
Task<Result<std::shared_ptr<Caller>>> open_caller(std::shared_ptr<Providers> providers, ServiceNames names, ClientOptions options,
                                                  std::shared_ptr<ClientProtocol> in_process = nullptr);
Task<Result<void>> bind_caller(Interface& interface, ServiceNames names, std::string target, ClientOptions options);
Task<Result<void>> bind_caller(Interface& interface, ServiceNames names, std::shared_ptr<Providers> providers, ClientOptions options);
}  // namespace detail

/// A client of the service T at a direct url list ("bolt://h:p,tri://[::1]:p,h2c://h:p"). Call it on a shard, which becomes the client's: its
/// connections live there. Destroying the client, on any thread, closes them; calls that have not ended then end with Code::cancelled (see Method).
template <ServiceInterface T>
Task<Result<std::shared_ptr<T>>> connect(std::string target, ClientOptions options = {}) {
  auto client = std::make_shared<T>();
  co_await or_return(detail::bind_caller(*client, detail::names_of<T>(), std::move(target), std::move(options)));
  co_return client;
}
/// The same over any source of providers.
template <ServiceInterface T>
Task<Result<std::shared_ptr<T>>> connect(std::shared_ptr<Providers> providers, ClientOptions options = {}) {
  auto client = std::make_shared<T>();
  co_await or_return(detail::bind_caller(*client, detail::names_of<T>(), std::move(providers), std::move(options)));
  co_return client;
}

/// The main() of a client program: runs `work(TARGET)` on one shard, TARGET being the only argument or else `target`, and knows --help. Of the log
/// it shows errors alone, since a failure is told by the error that `work` ends with. Returns the exit code: 0, 1 (that error, on stderr), 2 (wrong
/// arguments).
int run_client(int argc, char** argv, std::string target, Task<Result<void>> (*work)(std::string target));

/// Makes a client of an object that the caller has made, before anybody connects: until it has ended, calls of it fail. It must outlive the task.
template <ServiceInterface T>
Task<Result<void>> connect_into(T& client, std::string target, ClientOptions options = {}) {
  return detail::bind_caller(client, detail::names_of<T>(), std::move(target), std::move(options));
}

/// How the values of a generic call stand. Over Bolt the number is what the header `sofa_head_generic_type` says (docs/protocols/sofarpc.md, section
/// 2); over Dubbo the first two are ordinary calls.
enum class GenericKind : uint8_t {
  plain = 0,    ///< arguments are JDK values
  objects = 2,  ///< arguments and result may be objects of any class
  maps = 3,     ///< Dubbo's `$invoke` with generic=true: objects are maps with their class under the key "class". Of Dubbo's providers alone, over
                ///< dubbo:// and tri://...?serialization=hessian4
};

/// Calls without types: arguments and results are dynamic Hessian values, or the bytes of protobuf messages.
///
///   auto client = co_await or_return(rpc::GenericClient::connect("bolt://127.0.0.1:12200", "com.acme.Users"));
///   auto user = co_await or_return(client->invoke("get", {"long"}, {hessian::Value(int64_t{7})}));
class GenericClient {
 public:
  static Task<Result<std::shared_ptr<GenericClient>>> connect(std::string target, std::string interface, ClientOptions options = {});
  ~GenericClient();

  /// `signatures` are Java types as Class.getName() writes them, or in source style ("java.lang.String[]"). The nodes of `arguments` must live until
  /// the call ends; the client may go before.
  Task<Result<hessian::Document>> invoke(std::string method, std::vector<std::string> signatures, std::vector<hessian::Value> arguments,
                                         CallOptions options = {}, GenericKind kind = GenericKind::objects);
  /// Calls a method of protobuf messages, whose bytes the caller writes and reads: over Bolt with serializer 11, `method` being Java's; over Triple
  /// and gRPC at /INTERFACE/METHOD, both being the .proto's.
  Task<Result<Bytes>> invoke_message(std::string method, Bytes message, CallOptions options = {});

 private:
  explicit GenericClient(std::shared_ptr<detail::Caller> caller);
  static Task<Result<hessian::Document>> run(std::shared_ptr<detail::Caller> caller, std::string method, std::vector<std::string> signatures,
                                             std::vector<hessian::Value> arguments, CallOptions options, GenericKind kind);
  static Task<Result<Bytes>> run_message(std::shared_ptr<detail::Caller> caller, std::string method, Bytes message, CallOptions options);
  std::shared_ptr<detail::Caller> caller_;
};

}  // namespace sofa::rpc
