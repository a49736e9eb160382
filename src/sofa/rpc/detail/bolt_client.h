#pragma once
// Calls of SOFARPC providers over Bolt (docs/protocols/sofarpc.md, section 2).

#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/session_protocol.h"

namespace sofa::rpc::detail {

class BoltClient final : public SessionProtocol<transport::Session> {
 public:
  BoltClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls);

  Task<Result<void>> send(Attempt& attempt) override;
  Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) override;

 private:
  Result<void> write_request_parts(const CallSpec& spec, const OutgoingHead& head);
  transport::Request take_request(const CallSpec& spec, Duration timeout);
  Result<void> read_answer(const Attempt& attempt, const bolt::Frame& frame) const;

  const std::shared_ptr<const ClientIdentity> client_;
  Buffer header_, content_;  // of the call that is being sent: written and given to its connection without a wait in between
};

}  // namespace sofa::rpc::detail
