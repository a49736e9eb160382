#pragma once
// The named checks that interop-client runs.

#include <string>
#include <vector>

#include "checks.h"
#include "extra_api.h"
#include "interop.sofa.h"
#include "json_api.h"
#include "sofa/rpc/client.h"
#include "stream_api.h"

namespace interop {

/// What the checks talk to.
struct Peer {
  std::string target;
  std::optional<sofa::io::TlsClientConfig> tls;  // none: plain
  std::shared_ptr<InteropService> service;
  std::shared_ptr<InteropService> blue;
  std::shared_ptr<InteropPbService> protobuf;
  std::shared_ptr<JsonService> json;
  std::shared_ptr<JsonService> by_hessian;
  std::shared_ptr<ExtraService> extra;
  std::shared_ptr<rpc::GenericClient> generic;
  // Over Triple alone:
  std::shared_ptr<StreamService> streams;
  std::shared_ptr<sofa::interop::pb::Interop> grpc;  // over gRPC too; null: Dubbo's
  std::shared_ptr<DubboInteropService> dubbo;        // over Dubbo; over Triple null of SOFARPC's server
};

/// The users must be the same in all but the manager; attrs.n of `got` is of this kind.
Result<void> expect_user(const User& expected, const User* got, hessian::ValueKind n = hessian::ValueKind::int64);

/// The error of a call (null: there was none) must carry this Java class and, unless it is empty, message.
Result<void> expect_thrown(const sofa::Error* error, std::string_view class_name, std::string_view message);
template <class T>
Result<void> expect_thrown(const Result<T>& got, std::string_view class_name, std::string_view message) {
  return expect_thrown(got ? nullptr : &got.error(), class_name, message);
}

void add_value_checks(Peer& peer, std::vector<Check>& checks);
void add_object_checks(Peer& peer, std::vector<Check>& checks);
void add_call_checks(Peer& peer, std::vector<Check>& checks);
/// Parts of the one above that every protocol has: exceptions with their class; timeouts, oneway calls, many callers.
void add_exception_checks(Peer& peer, std::vector<Check>& checks);
void add_call_kind_checks(Peer& peer, std::vector<Check>& checks);
/// Calls without types: as they are, and by Dubbo's `$invoke` with maps in place of objects.
void add_generic_checks(Peer& peer, std::vector<Check>& checks);
void add_generic_map_checks(Peer& peer, std::vector<Check>& checks);
/// Section 5, over Dubbo 2.
Task<Result<Peer>> connect_dubbo(std::string target);
void add_dubbo_checks(Peer& peer, std::vector<Check>& checks);
/// Everything over Triple: of SOFARPC's server sections 1 and 3, of Dubbo's section 5, and the streams of both.
Task<Result<Peer>> connect_triple(std::string target);
void add_triple_checks(Peer& peer, std::vector<Check>& checks);
/// Section 3, by stubs: over Triple on SOFARPC's server, over gRPC on those of gRPC.
Task<Result<Peer>> connect_grpc(std::string target);
void add_proto_checks(Peer& peer, std::vector<Check>& checks);
/// What section 3 asks of a server of gRPC beside: deadlines, cancellation, sizes, gzip, statuses.
void add_grpc_checks(Peer& peer, std::vector<Check>& checks);
void add_json_checks(Peer& peer, std::vector<Check>& checks);
/// Over http, h2c and h2; of SOFARPC's Java server when the target says "language=java".
void add_http_checks(Peer& peer, std::vector<Check>& checks);
/// After a rest, in which the server closes the connection, the next call goes over another one.
void add_idle_check(Peer& peer, sofa::Duration rest, std::vector<Check>& checks);
void add_extra_checks(Peer& peer, std::vector<Check>& checks);

}  // namespace interop
