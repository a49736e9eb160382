#include "sofa/rpc/detail/written_call.h"

#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/written_arguments.h"

namespace sofa::rpc::detail {

namespace {

const io::Address kHere = io::Address::unix_path("in-process");

class JsonCall final : public ServerCall {
 public:
  JsonCall(const WrittenCall& written, const WrittenArguments& arguments, const MethodEntry& entry, ShardServer& shard,
           const grpc::JsonCodec* messages, Deadline end)
      : ServerCall(shard.begin_call(entry, CallProtocol::in_process, written.app)),
        written_(written),
        arguments_(arguments),
        entry_(entry),
        shard_(shard),
        messages_(messages) {
    ServerCallAccess::fill(context_, entry.service, entry.method->name(), kHere, end, false, fields_, {});
  }

  Context& context() override { return context_; }
  Result<std::string> take_result() { return std::move(result_); }

 private:
  bool is_protobuf() const { return entry_.method->shape().result.protobuf != nullptr; }
  bool read(void* const* into) override {
    auto done = is_protobuf() ? read_message(into[0]) : arguments_.read(*entry_.method, into);
    if (done) return true;
    shard_.counters().refused.add();
    timer().end(Code::invalid_argument, done.error().message());
    result_ = forward_error(done);
    return false;
  }
  Result<void> read_message(void* into) const {
    if (messages_ == nullptr || entry_.grpc_path.empty()) {
      return fail(Code::unimplemented, "{} takes a protobuf message, and this server has no JSON of them (rpc::Server::json)", entry_.method->name());
    }
    Buffer message;
    if (auto done = messages_->read_request(entry_.grpc_path, written_.arguments, message); !done) return done;
    return detail::read_message(message.span(), *entry_.method->shape().arguments[0].protobuf, into, entry_.method->name());
  }
  std::optional<Code> send(const void* result) override {
    Buffer out;
    auto done = write(out, result);
    if (done) {
      const Bytes text = out.take();
      result_ = std::string(text.text());
      return std::nullopt;
    }
    shard_.counters().errors.add();
    const Code code = done.error().code();
    result_ = forward_error(done);
    return code;
  }
  Result<void> write(Buffer& out, const void* result) const {
    const ValueShape& shape = entry_.method->shape().result;
    if (!is_protobuf()) return write_json_result(out, shape, result);
    Buffer message;
    if (auto done = write_message(message, *shape.protobuf, result, entry_.method->name()); !done) return done;
    return messages_->write_response(entry_.grpc_path, message.span(), out);
  }
  std::optional<Code> send(Error error) override {
    shard_.counters().errors.add();
    const Code code = error.code();
    result_ = std::unexpected(std::move(error));
    return code;
  }

  const WrittenCall& written_;
  const WrittenArguments& arguments_;
  const MethodEntry& entry_;
  ShardServer& shard_;
  const grpc::JsonCodec* const messages_;
  const http::Headers fields_;
  Context context_;
  Result<std::string> result_ = fail(Code::internal, "the service dropped the call without an answer");
};

/// The overload that takes the arguments.
Result<const MethodEntry*> find(const ServiceTable& services, const WrittenCall& call, const WrittenArguments& arguments) {
  const std::vector<const MethodEntry*> overloads = services.overloads(call.service, call.method);
  if (!overloads.empty()) return overloads.front()->is_wrapped() ? arguments.choose(overloads) : overloads.front();
  const bool streams = std::ranges::any_of(services.entries(), [&](const auto& entry) {
    return entry->service == call.service && entry->method->name() == call.method && entry->method->kind() != MethodKind::unary;
  });
  if (streams) return fail(Code::unimplemented, "{}.{} streams; only methods of one answer are called from JSON", call.service, call.method);
  return fail(Code::not_found, "{}", unknown_method(services, call.service, call.method));
}

}  // namespace

Task<Result<WrittenAnswer>> run_written_call(ShardServer& shard, WrittenCall call, const grpc::JsonCodec* messages) {
  const WrittenArguments arguments = co_await or_return(WrittenArguments::of_json(call.arguments));
  const MethodEntry& entry = *co_await or_return(find(shard.services(), call, arguments));
  const auto place = shard.take_place();
  if (!place) co_return std::unexpected(refusal(kFull));
  shard.counters().calls.add();
  const ShardServer::Visit visit(shard);
  co_await io::next_turn();  // what this turn has done before is no part of the call
  const Instant begun = io::Shard::current().now();
  io::Scope scope(&co_await io::current_scope(), nullptr, deadline_after(begun, call.timeout));
  const EndsWith ending(shard.scope(), scope);  // who asks for it may outlive the server
  JsonCall made(call, arguments, entry, shard, messages, scope.deadline());
  co_await shard.serve(made, entry, scope);
  const Duration took = io::Shard::current().clock().now_monotonic() - begun;
  WrittenAnswer answer{.result = made.take_result(), .took = took, .stages = made.timer().times()};
  // What comes after the deadline is no answer.
  if (auto in_time = scope.check(); !in_time) answer.result = forward_error(in_time);
  co_return answer;
}

}  // namespace sofa::rpc::detail
