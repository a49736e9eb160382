#pragma once
// Methods that stream messages: members of an Interface beside Method. They are called over gRPC, or in the process (in_process.h). Messages are
// those of protobuf, or described types, which go as Triple's wrapper messages: in Java such a method has a SofaStreamObserver (SOFARPC) or a
// StreamObserver (Dubbo) for each stream.
//
//   struct Chat : rpc::Interface {
//     static constexpr std::string_view kName = "com.acme.Chat";
//     rpc::ServerStreaming<Line(Room)> listen{this, "listen"};      // one question, many answers
//     rpc::ClientStreaming<Summary(Line)> dictate{this, "dictate"};  // many questions, one answer
//     rpc::BidiStreaming<Line(Line)> talk{this, "talk"};
//   };
//
// A server implements them as coroutines; a `Context&` may stand before the arguments:
//
//   chat->listen = [](Room room, rpc::Writer<Line>& out) -> rpc::Task<Result<void>> { ... co_await or_return(out.write(line)); ... };
//   chat->dictate = [](rpc::Reader<Line>& in) -> rpc::Task<Result<Summary>> { while (auto line = co_await or_return(in.read())) ...; };
//   chat->talk = [](rpc::Reader<Line>& in, rpc::Writer<Line>& out) -> rpc::Task<Result<void>> { ... };
//
// They run in a scope that is cancelled when the caller is gone or its deadline passes: then every read and write fails.
//
// A client calls them on its own shard:
//
//   auto lines = co_await or_return(chat->listen(room));
//   while (auto line = co_await or_return(lines.read())) ...
//
// Of the ClientOptions, a stream has the balancer and what judges providers (a stream runs until its end; slow is one whose first message is late),
// the routers, and the filters around its opening (filter.h). It ends when CallOptions::timeout says so, or MethodOptions::timeout, or the caller's
// scope; ClientOptions::timeout is that of one answer and does not. It is neither repeated nor sent to several providers, whatever the strategy, nor
// counted in ClientOptions::calls, and a client with a local `mock` refuses it; `mock_scripts` answer it.

#include "sofa/rpc/interface.h"

namespace sofa::rpc {

namespace detail {

/// The messages of one call, with their types erased. Read are the arguments on a server and the results on a client; written the others.
class MessageStream {
 public:
  virtual ~MessageStream() = default;
  /// Into a default-made message; false at the end of the peer's messages.
  virtual Task<Result<bool>> read(void* into) = 0;
  /// What is left of the message is the writer's to drop: it may be moved from.
  virtual Task<Result<void>> write(void* message) = 0;
  virtual Result<void> finish_writes() = 0;
};

/// A streaming method's implementation, with its types erased.
class StreamImplementation {
 public:
  virtual ~StreamImplementation() = default;
  virtual Task<Result<void>> serve(Context& context, MessageStream& messages) = 0;
};

Task<Result<std::unique_ptr<MessageStream>>> open_stream(CallTarget target, CallOptions options);
std::unexpected<Error> fail_no_message(std::string_view method);

}  // namespace detail

/// The messages that come. One read at a time.
template <class T>
class Reader {
 public:
  explicit Reader(detail::MessageStream& messages) : messages_(messages) {}
  /// The next message; nothing at the end. On a client the end is the server's OK, and its status the error otherwise.
  Task<Result<std::optional<T>>> read() { return read(messages_); }
  static Task<Result<std::optional<T>>> read(detail::MessageStream& messages) {
    T message{};
    if (!co_await or_return(messages.read(&message))) co_return std::optional<T>();
    co_return std::optional<T>(std::move(message));
  }

 private:
  detail::MessageStream& messages_;
};

/// The messages that go. One write at a time; it waits while the peer does not take them.
template <class T>
class Writer {
 public:
  explicit Writer(detail::MessageStream& messages) : messages_(messages) {}
  Task<Result<void>> write(T message) { return write(messages_, std::move(message)); }
  static Task<Result<void>> write(detail::MessageStream& messages, T message) { co_return co_await messages.write(&message); }

 private:
  detail::MessageStream& messages_;
};

/// A call of a ServerStreaming method. Destroyed before its end it is cancelled; so are the two below.
template <class R>
class ServerStream {
 public:
  explicit ServerStream(std::unique_ptr<detail::MessageStream> messages) : messages_(std::move(messages)) {}
  Task<Result<std::optional<R>>> read() { return Reader<R>::read(*messages_); }

 private:
  std::unique_ptr<detail::MessageStream> messages_;
};

template <class R, class A>
class ClientStream {
 public:
  ClientStream(std::unique_ptr<detail::MessageStream> messages, std::string_view method) : messages_(std::move(messages)), method_(method) {}
  Task<Result<void>> write(A message) { return Writer<A>::write(*messages_, std::move(message)); }
  /// No further message; waits for the answer.
  Task<Result<R>> finish() { return finish(*messages_, method_); }

 private:
  static Task<Result<R>> finish(detail::MessageStream& messages, std::string_view method) {
    co_await or_return(messages.finish_writes());
    auto answer = co_await or_return(Reader<R>::read(messages));
    if (!answer) co_return detail::fail_no_message(method);
    // The status comes behind the answer.
    co_await or_return(Reader<R>::read(messages));
    co_return std::move(*answer);
  }
  std::unique_ptr<detail::MessageStream> messages_;
  std::string_view method_;
};

template <class R, class A>
class BidiStream {
 public:
  explicit BidiStream(std::unique_ptr<detail::MessageStream> messages) : messages_(std::move(messages)) {}
  Task<Result<void>> write(A message) { return Writer<A>::write(*messages_, std::move(message)); }
  Result<void> finish_writes() { return messages_->finish_writes(); }
  Task<Result<std::optional<R>>> read() { return Reader<R>::read(*messages_); }

 private:
  std::unique_ptr<detail::MessageStream> messages_;
};

namespace detail {

/// Calls a handler with the Context before the arguments where it takes one.
template <class F, class... Args>
auto apply_handler(F& function, Context& context, Args&&... arguments) {
  if constexpr (std::invocable<F&, Context&, Args...>) {
    return function(context, std::forward<Args>(arguments)...);
  } else {
    return function(std::forward<Args>(arguments)...);
  }
}

template <MethodKind kKind, class F, class R, class A>
class StreamImplementationOf final : public StreamImplementation {
 public:
  StreamImplementationOf(F function, std::string_view method) : function_(std::move(function)), method_(method) {}
  Task<Result<void>> serve(Context& context, MessageStream& messages) override { return serve(*this, context, messages); }

 private:
  static Task<Result<void>> serve(StreamImplementationOf& self, Context& context, MessageStream& messages) {
    Reader<A> in(messages);
    Writer<R> out(messages);
    if constexpr (kKind == MethodKind::server_streaming) {
      auto question = co_await or_return(in.read());
      if (!question) co_return fail_no_message(self.method_);
      co_return co_await apply_handler(self.function_, context, std::move(*question), out);
    } else if constexpr (kKind == MethodKind::client_streaming) {
      R answer = co_await or_return(apply_handler(self.function_, context, in));
      co_return co_await messages.write(&answer);
    } else {
      co_return co_await apply_handler(self.function_, context, in, out);
    }
  }

  F function_;
  const std::string_view method_;
};

/// What the three kinds of member have in common.
template <MethodKind kKind, class R, class A>
class StreamingMethod : public MethodBase {
  static_assert(ProtobufMessage<R> == ProtobufMessage<A>, "a method that streams takes and gives protobuf messages, or neither");
  static_assert(!std::is_void_v<R> && !std::is_void_v<A>, "a method that streams has messages both ways");

 public:
  /// `name` must live for ever (a literal).
  StreamingMethod(Interface* owner, std::string_view name, MethodOptions options = {})
      : MethodBase(owner, name, std::move(options), shape_of<R, A>(), kKind) {}

 protected:
  template <class F>
  void implement(F function) {
    stream_implementation_ = std::make_shared<StreamImplementationOf<kKind, F, R, A>>(std::move(function), name());
  }
};

}  // namespace detail

template <class Signature>
class ServerStreaming;
template <class Signature>
class ClientStreaming;
template <class Signature>
class BidiStreaming;

/// One question, a stream of answers.
template <class R, class A>
class ServerStreaming<R(A)> : public detail::StreamingMethod<MethodKind::server_streaming, R, A> {
 public:
  using detail::StreamingMethod<MethodKind::server_streaming, R, A>::StreamingMethod;

  template <class F>
    requires(std::invocable<F&, A, Writer<R>&> || std::invocable<F&, Context&, A, Writer<R>&>)
  ServerStreaming& operator=(F function) {
    return this->implement(std::move(function)), *this;
  }
  Task<Result<ServerStream<R>>> operator()(A question, CallOptions options = {}) const {
    return open(this->target(), std::move(question), std::move(options));
  }

 private:
  static Task<Result<ServerStream<R>>> open(detail::CallTarget target, A question, CallOptions options) {
    auto messages = co_await or_return(detail::open_stream(std::move(target), std::move(options)));
    co_await or_return(messages->write(&question));
    co_await or_return(messages->finish_writes());
    co_return ServerStream<R>(std::move(messages));
  }
};

/// A stream of questions, one answer.
template <class R, class A>
class ClientStreaming<R(A)> : public detail::StreamingMethod<MethodKind::client_streaming, R, A> {
 public:
  using detail::StreamingMethod<MethodKind::client_streaming, R, A>::StreamingMethod;

  template <class F>
    requires(std::invocable<F&, Reader<A>&> || std::invocable<F&, Context&, Reader<A>&>)
  ClientStreaming& operator=(F function) {
    return this->implement(std::move(function)), *this;
  }
  Task<Result<ClientStream<R, A>>> operator()(CallOptions options = {}) const { return open(this->target(), std::move(options)); }

 private:
  static Task<Result<ClientStream<R, A>>> open(detail::CallTarget target, CallOptions options) {
    const std::string_view method = target.method;
    co_return ClientStream<R, A>(co_await or_return(detail::open_stream(std::move(target), std::move(options))), method);
  }
};

/// Streams both ways, each at its own pace.
template <class R, class A>
class BidiStreaming<R(A)> : public detail::StreamingMethod<MethodKind::bidi_streaming, R, A> {
 public:
  using detail::StreamingMethod<MethodKind::bidi_streaming, R, A>::StreamingMethod;

  template <class F>
    requires(std::invocable<F&, Reader<A>&, Writer<R>&> || std::invocable<F&, Context&, Reader<A>&, Writer<R>&>)
  BidiStreaming& operator=(F function) {
    return this->implement(std::move(function)), *this;
  }
  Task<Result<BidiStream<R, A>>> operator()(CallOptions options = {}) const { return open(this->target(), std::move(options)); }

 private:
  static Task<Result<BidiStream<R, A>>> open(detail::CallTarget target, CallOptions options) {
    co_return BidiStream<R, A>(co_await or_return(detail::open_stream(std::move(target), std::move(options))));
  }
};

}  // namespace sofa::rpc
