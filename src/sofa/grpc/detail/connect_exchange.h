#pragma once
// Connect (docs/protocols/connect.md, sections 1 and 2): unary calls whose body is the message, and streams of messages in envelopes; in JSON or in
// the bytes of protobuf. Beside it streams for those who speak plain HTTP (section 3): one message is the body, the answers are lines or events.

#include "sofa/grpc/detail/translated_exchange.h"
#include "sofa/grpc/web.h"

namespace sofa::grpc::detail {

/// How the messages of a call travel.
struct ConnectForm {
  std::string_view timeout;                ///< as "grpc-timeout" has it; empty: none
  const JsonCodec* json = nullptr;         ///< null: in the bytes of protobuf
  Encoding encoding = Encoding::identity;  ///< of the request
  bool accepts_gzip = false;
  size_t max_message = 0;
};

/// The messages of one call: in JSON when there is a codec, else in the bytes of protobuf.
class ConnectMessages {
 public:
  ConnectMessages(std::string_view path, const JsonCodec* json) : path_(path), json_(json) {}
  /// The message of the request with gRPC's prefix.
  Result<Bytes> to_grpc(ByteSpan message) const;
  /// Appends a message of the answer.
  Result<void> from_grpc(ByteSpan message, Buffer& out) const;
  std::string_view name() const { return json_ != nullptr ? "json" : "proto"; }

 private:
  const std::string_view path_;
  const JsonCodec* const json_;
};

/// The body of the request is its one message.
class OneMessageExchange : public TranslatedExchange {
 public:
  /// `message`: of a GET, whose body is empty.
  OneMessageExchange(http::ExchangePtr inner, const ConnectForm& form, ByteSpan message);

  void on_end(http::Headers& trailers) final;

 protected:
  const ConnectMessages& messages() const { return messages_; }

 private:
  void translate(ByteSpan data) final;

  const ConnectMessages messages_;
  const Encoding encoding_;
  const size_t max_message_;
  Buffer body_;
};

/// One message each way.
class ConnectUnary final : public OneMessageExchange {
 public:
  ConnectUnary(http::ExchangePtr inner, const ConnectForm& form, ByteSpan message = {});

  Result<void> send_response(int status, const http::Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const http::Headers& trailers) override;

 private:
  void answer_error(const Error& error) override;
  Result<void> answer(const http::Headers& trailers);

  const bool accepts_gzip_;
  http::Headers head_;  // of the answer
  Bytes message_;       // of the answer
};

/// Messages in envelopes; the last one, of either outcome, is JSON that tells the status and the trailers.
class ConnectStream final : public TranslatedExchange {
 public:
  ConnectStream(http::ExchangePtr inner, const ConnectForm& form);

  void on_end(http::Headers& trailers) override;
  Result<void> send_response(int status, const http::Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const http::Headers& trailers) override;

 private:
  void translate(ByteSpan data) override;
  void answer_error(const Error& error) override;

  const ConnectMessages messages_;
  const bool accepts_gzip_;
  Deframer requests_;  // an envelope is framed as a message of gRPC
  bool head_sent_ = false;
};

/// A stream of answers in JSON that curl reads: one a line, or each an event (WHATWG HTML, 9.2) when `as_events`. An error before the first answer is
/// the status of HTTP, too; a later one is the last line, or the event "error".
class JsonStream final : public OneMessageExchange {
 public:
  JsonStream(http::ExchangePtr inner, const ConnectForm& form, bool as_events);

  Result<void> send_response(int status, const http::Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const http::Headers& trailers) override;

 private:
  void answer_error(const Error& error) override;
  Result<void> end(const Error& error);
  Result<void> send_head(int status);
  Bytes error_line(const Error& error) const;

  const bool as_events_;
  http::Headers head_;      // of the answer, until it is sent
  bool head_sent_ = false;  // with the first message
};

/// Answers a request that is no call: an error of a unary Connect call, with the HTTP status that stands for its code.
void answer_connect_error(http::Exchange& exchange, const Error& error, http::Headers headers = {});

}  // namespace sofa::grpc::detail
