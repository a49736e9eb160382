#pragma once
// A TLS configuration that was read: OpenSSL's context, and the certificates by the name they are shown for. Immutable but for a client's
// sessions; shared by threads.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/io/detail/tls_openssl.h"
#include "sofa/io/detail/tls_sessions.h"
#include "sofa/io/tls.h"

namespace sofa::io::detail {

/// A certificate with its key and the chain to its root.
struct TlsIdentity {
  CertificatePtr leaf;
  std::vector<CertificatePtr> chain;
  KeyPtr key;
};

struct TlsSettings {
  ContextPtr context;
  std::vector<TlsIdentity> identities;                           // a server's; the first is the default
  std::unordered_map<std::string, std::vector<size_t>> by_name;  // lower case, "*.example.com" for a wildcard
  std::unique_ptr<TlsSessions> sessions;                         // a client's, if it keeps any: they go with what it believed when it got them

  /// The places of the certificates for a name; those of the default when there is none.
  const std::vector<size_t>& find(std::string_view server_name) const;
};

/// Both read files and block.
Result<std::shared_ptr<const TlsSettings>> load_tls(const TlsServerConfig& config);
Result<std::shared_ptr<const TlsSettings>> load_tls(const TlsClientConfig& config);

/// Whether the text is a file's path (else it is PEM, or nothing).
bool is_path(std::string_view source);

/// The names with their lengths, as the ALPN extension has them (RFC 7301, 3.1). Names over 255 bytes are cut out.
std::string alpn_wire_form(const std::vector<std::string>& names);

}  // namespace sofa::io::detail
