#pragma once
// One method of one server, ready to be called: what the protocols have in common for a caller that knows no types.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sofa/io/task.h"
#include "sofa/tool/call_plan.h"
#include "sofa/tool/input.h"

namespace sofa::tool {

/// What an answer brought.
struct Answer {
  std::string json{};                                          ///< the result
  std::vector<std::pair<std::string, std::string>> headers{};  ///< of the answer
  std::vector<std::pair<std::string, std::string>> baggage{};
};

/// A method that streams, message by message, over calls that it begins when they are needed. Belongs to its Callee, and goes before it.
class MessageFlow {
 public:
  virtual ~MessageFlow() = default;
  /// Moves one message: where both sides stream, one there and its answer; else the next one of the side that streams, a client's with the answer of
  /// the call when it is the last one. After an error the next message begins a call.
  virtual io::Task<Result<void>> next() = 0;
  /// Ends the call that is open.
  virtual void stop() = 0;
};

/// Belongs to the shard that opened it; close() before it goes.
class Callee {
 public:
  virtual ~Callee() = default;
  /// Connects, finds the method, and reads the arguments from `input` unless the method streams. Errors: invalid_argument for what was given, and
  /// those of the connection.
  static io::Task<Result<std::unique_ptr<Callee>>> open(const CallPlan& plan, Input& input);

  /// One call with the arguments that were read. `answer` may be null: then nothing is made of the result. It must outlive the call.
  virtual io::Task<Result<void>> call(Answer* answer) = 0;
  /// The method has a stream of messages on either side: use converse().
  virtual bool streams() const { return false; }
  /// One call that streams: a message for each line of `input`, and each answer handed to `show` as it comes.
  virtual io::Task<Result<void>> converse(Input& input, const std::function<void(const std::string& json)>& show);
  /// For a load of a method that streams: a flow of the message `json`, `messages` of them a call where the client alone streams.
  virtual Result<std::unique_ptr<MessageFlow>> flow(std::string_view json, uint32_t messages);
  virtual io::Task<void> close() { co_return; }
};

/// Whether the arguments, or the names of types, say that a method of Java types is meant, and not one of a protobuf message.
bool means_java(const CallPlan& plan, std::string_view arguments);

/// Methods of Java types: Bolt, Dubbo, Triple's wrapper messages, and SOFARPC's HTTP.
io::Task<Result<std::unique_ptr<Callee>>> open_generic(const CallPlan& plan, std::string_view arguments);
/// Methods of protobuf messages: gRPC and Triple.
io::Task<Result<std::unique_ptr<Callee>>> open_grpc(const CallPlan& plan, Input& input);
/// Methods of protobuf messages over Bolt, which has no reflection: the plan names their .proto.
io::Task<Result<std::unique_ptr<Callee>>> open_bolt_proto(const CallPlan& plan, std::string_view arguments);
/// JSON over HTTP/1.1, whose types the server knows.
io::Task<Result<std::unique_ptr<Callee>>> open_http(const CallPlan& plan, std::string_view arguments);

struct ServiceMethods {
  std::string service;
  std::vector<std::pair<std::string, std::string>> methods;  ///< and what they take and give
};
/// What the server's reflection, or the .proto files of the plan, know.
io::Task<Result<std::vector<ServiceMethods>>> list_by_reflection(const Target& target, const CallFlags& flags);
/// The REST routes that its OpenAPI describes; none when it describes none.
io::Task<Result<std::vector<ServiceMethods>>> list_routes(const Target& target, const CallFlags& flags);
/// All that a server tells of itself: its routes, of an http:// target, and its services. Errors say what else may know them.
io::Task<Result<std::vector<ServiceMethods>>> list_services(const Target& target, const CallFlags& flags);

}  // namespace sofa::tool
