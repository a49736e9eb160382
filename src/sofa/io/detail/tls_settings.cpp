#include "sofa/io/detail/tls_settings.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <fstream>
#include <iterator>

#include "sofa/base/text.h"
#include "sofa/io/detail/tls_layer.h"
#include "sofa/io/report.h"

namespace sofa::io::detail {

namespace {

constexpr size_t kMaxPem = 4 << 20;              // of one file
constexpr long kMaxPeerCertificates = 64 << 10;  // bytes of the peer's chain
constexpr std::string_view kPemMark = "-----BEGIN";

// Of TLS 1.2: an ephemeral key and authenticated encryption (RFC 9113, 9.2.2 forbids the rest for HTTP/2). AES-128 first: as safe here, and cheaper.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

std::string shown(std::string_view source) { return is_path(source) ? fmt::format("'{}'", source) : std::string("(given as PEM text)"); }

Result<std::string> read_source(std::string_view what, const std::string& source) {
  if (!is_path(source)) return source;
  std::ifstream file(source, std::ios::binary);
  if (!file) return std::unexpected(errno_error(errno, fmt::format("cannot read the {} {}", what, shown(source))));
  std::string text(kMaxPem + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxPem)
    return fail(Code::invalid_argument, "the {} {} is longer than {} bytes; is it a PEM file?", what, shown(source), kMaxPem);
  return text;
}

// Never asks for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<std::vector<CertificatePtr>> read_certificates(std::string_view what, const std::string& source) {
  auto text = read_source(what, source);
  if (!text) return forward_error(text);
  ERR_clear_error();
  const BioPtr in(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  std::vector<CertificatePtr> found;
  while (X509* one = PEM_read_bio_X509(in.get(), nullptr, &no_passphrase, nullptr)) found.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = take_openssl_error();
  if (found.empty()) return fail(Code::invalid_argument, "the {} {} has no certificate in PEM form ({})", what, shown(source), why);
  if (!at_end) return fail(Code::invalid_argument, "the {} {} is broken behind its certificate {}: {}", what, shown(source), found.size(), why);
  return found;
}

Result<KeyPtr> read_key(const std::string& source) {
  auto text = read_source("private key", source);
  if (!text) return forward_error(text);
  ERR_clear_error();
  const BioPtr in(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  KeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, &no_passphrase, nullptr));
  OPENSSL_cleanse(text->data(), text->size());
  if (key) return key;
  return fail(Code::invalid_argument, "the private key {} cannot be read: {}; it must be PEM without a passphrase", shown(source),
              take_openssl_error());
}

Result<TlsIdentity> read_identity(const TlsCertificate& config) {
  auto certificates = read_certificates("certificate", config.certificate);
  if (!certificates) return forward_error(certificates);
  auto key = read_key(config.key);
  if (!key) return forward_error(key);
  TlsIdentity identity;
  identity.leaf = std::move(certificates->front());
  certificates->erase(certificates->begin());
  identity.chain = std::move(*certificates);
  identity.key = std::move(*key);
  if (X509_check_private_key(identity.leaf.get(), identity.key.get()) != 1) {
    ERR_clear_error();
    return fail(Code::invalid_argument, "the private key {} does not belong to the certificate {} ({}); give the pair that was made together",
                shown(config.key), shown(config.certificate), subject_of(*identity.leaf));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(identity.leaf.get())) < 0) {
    report(fmt::format("the certificate {} ({}) is expired since {}: peers will refuse it; renew it", shown(config.certificate),
                       subject_of(*identity.leaf), time_text(X509_get0_notAfter(identity.leaf.get()))));
  }
  return identity;
}

Result<ContextPtr> make_context(const SSL_METHOD* method, TlsVersion min_version) {
  ContextPtr context(SSL_CTX_new(method));
  if (!context) return fail(Code::internal, "OpenSSL gives no context: {}", take_openssl_error());
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, min_version == TlsVersion::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(raw, kCiphers);
  SSL_CTX_set_ciphersuites(raw, kCiphers13);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);  // one record a call: what a peer sends without data is counted by us
  SSL_CTX_set_read_ahead(raw, 1);                // all that is there with one system call, not the head of a record and then its body
  SSL_CTX_set_max_cert_list(raw, kMaxPeerCertificates);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  return context;
}

Result<void> trust(SSL_CTX* context, const std::string& source) {
  auto certificates = read_certificates("list of trusted certificates", source);
  if (!certificates) return forward_error(certificates);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const CertificatePtr& one : *certificates) {
    X509_STORE_add_cert(store, one.get());
    SSL_CTX_add_client_CA(context, one.get());  // a server names them to its clients
  }
  return {};
}

/// In small letters, without the dot of the root.
std::string plain_name(std::string_view name) { return lower_case(std::string(name.ends_with('.') ? name.substr(0, name.size() - 1) : name)); }

using OwnedChain = std::unique_ptr<STACK_OF(X509), OpenSslDelete<+[](STACK_OF(X509) * chain) { sk_X509_free(chain); }>>;

OwnedChain chain_of(const TlsIdentity& identity) {
  OwnedChain chain(sk_X509_new_null());
  for (const CertificatePtr& one : identity.chain) sk_X509_push(chain.get(), one.get());
  return chain;
}

// OpenSSL's certificate callback: shows the certificate of the name that the client asks for.
int choose_certificate(SSL* ssl, void*) {
  const TlsSettings& settings = TlsLayer::of(ssl).settings();
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  for (const size_t at : settings.find(asked == nullptr ? std::string_view() : asked)) {
    const TlsIdentity& identity = settings.identities[at];
    if (SSL_use_cert_and_key(ssl, identity.leaf.get(), identity.key.get(), chain_of(identity).get(), 1) != 1) return 0;
  }
  return 1;
}

// OpenSSL's ALPN callback (RFC 7301, 3.2): the first of ours that the client offers; none in common ends the handshake.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* length, const unsigned char* offered, unsigned offered_size, void*) {
  const std::string& ours = TlsLayer::of(ssl).alpn_wire_form();
  if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, length, reinterpret_cast<const unsigned char*>(ours.data()), static_cast<unsigned>(ours.size()),
                                            offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

bool is_path(std::string_view source) { return !source.empty() && source.find(kPemMark) == std::string_view::npos; }

std::string alpn_wire_form(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) continue;
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

const std::vector<size_t>& TlsSettings::find(std::string_view server_name) const {
  static const std::vector<size_t> kDefault{0};
  const std::string name = plain_name(server_name);
  if (const auto exact = by_name.find(name); exact != by_name.end()) return exact->second;
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return kDefault;
  const auto wildcard = by_name.find("*" + name.substr(dot));
  return wildcard == by_name.end() ? kDefault : wildcard->second;
}

Result<std::shared_ptr<const TlsSettings>> load_tls(const TlsServerConfig& config) {
  if (config.certificates.empty()) return fail(Code::invalid_argument, "a TLS server needs a certificate: give `certificates` one with its key");
  auto settings = std::make_shared<TlsSettings>();
  auto context = make_context(TLS_server_method(), config.min_version);
  if (!context) return forward_error(context);
  settings->context = std::move(*context);
  SSL_CTX* raw = settings->context.get();
  for (const TlsCertificate& certificate : config.certificates) {
    auto identity = read_identity(certificate);
    if (!identity) return forward_error(identity);
    for (const std::string& name : certificate.names.empty() ? host_names(*identity->leaf) : certificate.names) {
      settings->by_name[plain_name(name)].push_back(settings->identities.size());
    }
    settings->identities.push_back(std::move(*identity));
  }
  SSL_CTX_set_cert_cb(raw, &choose_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(raw, &choose_protocol, nullptr);
  SSL_CTX_set_num_tickets(raw, 1);
  static constexpr unsigned char kSessionContext[] = "sofa";  // tickets are good for any name: without it, mTLS refuses resumption
  SSL_CTX_set_session_id_context(raw, kSessionContext, sizeof kSessionContext - 1);
  if (!config.client_ca.empty()) {
    if (auto trusted = trust(raw, config.client_ca); !trusted) return forward_error(trusted);
    const int demand = config.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | demand, &TlsLayer::on_verify);
  }
  return settings;
}

Result<std::shared_ptr<const TlsSettings>> load_tls(const TlsClientConfig& config) {
  auto settings = std::make_shared<TlsSettings>();
  auto context = make_context(TLS_client_method(), config.min_version);
  if (!context) return forward_error(context);
  settings->context = std::move(*context);
  SSL_CTX* raw = settings->context.get();
  if (!config.ca.empty()) {
    if (auto trusted = trust(raw, config.ca); !trusted) return forward_error(trusted);
  } else if (config.verify && SSL_CTX_set_default_verify_paths(raw) != 1) {
    return fail(Code::failed_precondition, "the system's list of trusted certificates cannot be read ({}); install ca-certificates, or set `ca`",
                take_openssl_error());
  }
  if (config.verify) SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, &TlsLayer::on_verify);
  if (config.max_sessions > 0) {
    settings->sessions = std::make_unique<TlsSessions>(config.max_sessions);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(raw, &TlsLayer::on_new_session);
  }
  if (!config.certificate.certificate.empty()) {
    auto identity = read_identity(config.certificate);
    if (!identity) return forward_error(identity);
    if (SSL_CTX_use_cert_and_key(raw, identity->leaf.get(), identity->key.get(), chain_of(*identity).get(), 1) != 1) {
      return fail(Code::invalid_argument, "the certificate {} cannot be used: {}", shown(config.certificate.certificate), take_openssl_error());
    }
  }
  return settings;
}

}  // namespace sofa::io::detail
