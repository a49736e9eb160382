#pragma once
// Calls of SOFARPC providers over HTTP/1.1 and HTTP/2 (docs/protocols/http.md, section 3).

#include "sofa/http/channel.h"
#include "sofa/rpc/detail/call_content.h"
#include "sofa/rpc/detail/channel_protocol.h"

namespace sofa::rpc::detail {

/// The schemes of a provider's URL.
inline constexpr std::string_view kHttp1Scheme = "http", kHttp2Scheme = "h2c", kSecureHttp2Scheme = "h2";

class HttpClient final : public ChannelProtocol<http::Channel, http::ChannelOptions> {
 public:
  /// `scheme`: one of the three above. Without `tls`, h2 has no call.
  HttpClient(std::string_view scheme, std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls);

  Task<Result<void>> send(Attempt& attempt) override;
  Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) override;

 private:
  http::RequestHead request_of(const CallSpec& spec, const OutgoingHead& head) const;
  static Task<void> without_answer(std::shared_ptr<http::Channel> channel, http::RequestHead request, Bytes body, Deadline deadline);
  Result<void> read_answer(const Attempt& attempt, const http::Response& answer) const;

  const std::string_view scheme_;
  const std::shared_ptr<const ClientIdentity> client_;
  const std::string service_;  // as it stands in paths
};

}  // namespace sofa::rpc::detail
