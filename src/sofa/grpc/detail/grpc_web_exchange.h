#pragma once
// gRPC-Web (docs/protocols/connect.md, section 4): the messages of gRPC, and its trailers as a last frame of the body; "-text" is base64 of that.

#include "sofa/grpc/detail/translated_exchange.h"

namespace sofa::grpc::detail {

class GrpcWebExchange final : public TranslatedExchange {
 public:
  /// `content_type` of the request, which is that of the answer.
  GrpcWebExchange(http::ExchangePtr inner, std::string_view content_type);

  void on_end(http::Headers& trailers) override;
  Result<void> send_response(int status, const http::Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const http::Headers& trailers) override;

 private:
  void translate(ByteSpan data) override;
  void answer_error(const Error& error) override;

  const std::string content_type_;
  const bool is_text_;
  bool head_sent_ = false;
  std::string undecoded_;  // base64 that is no whole group of four yet
};

}  // namespace sofa::grpc::detail
