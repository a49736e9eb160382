#pragma once
// Calls of Dubbo providers (docs/protocols/dubbo.md, section 9).

#include "sofa/rpc/detail/session_protocol.h"

namespace sofa::rpc::detail {

class DubboClient final : public SessionProtocol<transport::DubboSession> {
 public:
  DubboClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls);

  Task<Result<void>> send(Attempt& attempt) override;
  Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) override;

 private:
  const std::shared_ptr<const ClientIdentity> client_;
};

}  // namespace sofa::rpc::detail
