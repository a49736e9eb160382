#include "sofa/io/detail/tls_layer.h"

#include <openssl/err.h>

#include "sofa/io/detail/stream_core.h"

namespace sofa::io::detail {

namespace {

constexpr unsigned kRecordsPerRead = 32;  // records without data that one read passes over: key updates, tickets, warnings
constexpr size_t kMaxSealed = 512 << 10;  // more unsent bytes than any batch makes: a peer that asks for answers and takes none
constexpr size_t kRecordOverhead = 64;    // head, tag and padding of a record, generously
constexpr size_t kRecord = 16 << 10;      // most plain bytes of a record (RFC 8446, 5.1)

/// What to do about an alert that the peer has sent (RFC 8446, 6.2); empty: nothing is known.
std::string_view advice_for_alert(int alert) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
      return "it finds no cipher or key in common, or wants a certificate of ours";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return "it does not accept our certificate";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "our certificate is expired, or its clock is wrong";
    case SSL_AD_UNKNOWN_CA:
      return "it does not trust the issuer of our certificate";
    case SSL_AD_PROTOCOL_VERSION:
      return "it speaks no version of TLS that is allowed here";
    case SSL_AD_UNRECOGNIZED_NAME:
      return "it does not serve the name that was asked for";
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return "it wants a certificate of ours: set `certificate`";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return "it speaks none of the protocols that were offered (ALPN)";
    default:
      return "";
  }
}

bool is_not_tls(int reason) {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ||
         reason == SSL_R_UNEXPECTED_MESSAGE || reason == SSL_R_BAD_RECORD_TYPE || reason == SSL_R_PACKET_LENGTH_TOO_LONG;
}

}  // namespace

// ---------------------------------------------------------------- OpenSSL's view of the socket

const BIO_METHOD* TlsLayer::bio_method() {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sofa stream");
    BIO_meth_set_read(method, &TlsLayer::bio_read);
    BIO_meth_set_write(method, &TlsLayer::bio_write);
    BIO_meth_set_ctrl(method, &TlsLayer::bio_control);
    return method;
  }();
  return kMethod;
}

int TlsLayer::bio_read(BIO* bio, char* space, int size) {
  auto& layer = *static_cast<TlsLayer*>(BIO_get_data(bio));
  return layer.take_input(bio, {reinterpret_cast<uint8_t*>(space), static_cast<size_t>(size)});
}

int TlsLayer::take_input(BIO* bio, std::span<uint8_t> space) {
  BIO_clear_retry_flags(bio);
  if (!prefix_.empty()) {
    const size_t taken = std::min(space.size(), prefix_.size());
    std::memcpy(space.data(), prefix_.data(), taken);
    prefix_.consume(taken);
    if (prefix_.empty()) prefix_ = Buffer();
    return static_cast<int>(taken);
  }
  const auto got = core_.receive(space);
  if (!got) return -1;
  input_ended_ = got->state == TryRead::State::end;
  input_drained_ = got->state == TryRead::State::would_block;
  if (input_drained_) {
    BIO_set_retry_read(bio);
    return -1;
  }
  return static_cast<int>(got->bytes);
}

int TlsLayer::bio_write(BIO* bio, const char* data, int size) {
  auto& layer = *static_cast<TlsLayer*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (layer.sealed_.size() + static_cast<size_t>(size) > kMaxSealed) return -1;
  layer.sealed_.append({reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(size)});
  return size;
}

long TlsLayer::bio_control(BIO* bio, int command, long, void*) {
  const auto& layer = *static_cast<const TlsLayer*>(BIO_get_data(bio));
  if (command == BIO_CTRL_EOF) return layer.input_ended_ ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// ---------------------------------------------------------------- handshake

TlsLayer::TlsLayer(StreamCore& core, Handshake handshake)
    : core_(core),
      settings_(std::move(handshake.settings)),
      side_(handshake.side),
      host_(std::move(handshake.host)),
      alpn_offer_(std::move(handshake.alpn)),
      prefix_(std::move(handshake.prefix)),
      ssl_(SSL_new(settings_->context.get())) {
  SSL* ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  if (side_ == Side::server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  if (!alpn_offer_.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn_offer_.data()), static_cast<unsigned>(alpn_offer_.size()));
  }
  if (auto expected = expect_host(host_, handshake.verify); !expected) set_up_failure_ = std::move(expected.error());
  if (settings_->sessions != nullptr) offer_session();
}

TlsLayer& TlsLayer::of(const SSL* ssl) { return *static_cast<TlsLayer*>(SSL_get_app_data(ssl)); }

// A name is asked for (SNI) and verified; an address is verified alone (RFC 6066, 3).
Result<void> TlsLayer::expect_host(const std::string& host, bool verify) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1) return {};
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool is_name = !host.empty() && host.find('/') == std::string::npos && SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1 &&
                       X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size()) == 1;
  ERR_clear_error();
  if (is_name || !verify) return {};
  return fail(Code::invalid_argument, "TLS to {} has no name to verify ('{}'); set `server_name`", core_.peer().to_string(), host);
}

// A session was verified for its host, and only its server can use it.
void TlsLayer::offer_session() {
  target_ = fmt::format("{} {}", host_, core_.peer().to_string());
  if (const SessionPtr session = settings_->sessions->take(target_)) SSL_set_session(ssl_.get(), session.get());
}

int TlsLayer::on_new_session(SSL* ssl, SSL_SESSION* session) {
  const TlsLayer& layer = of(ssl);
  layer.settings_->sessions->put(layer.target_, SessionPtr(session));
  return 1;  // it is ours now
}

// TLS 1.2 gives a new one only with a full handshake: the old one stays good.
void TlsLayer::keep_session() {
  if (side_ != Side::client || settings_->sessions == nullptr || !is_resumed() || SSL_version(ssl_.get()) >= TLS1_3_VERSION) return;
  settings_->sessions->put(target_, SessionPtr(SSL_get1_session(ssl_.get())));
}

Result<bool> TlsLayer::shake_hands() {
  if (set_up_failure_) return std::unexpected<Error>(*set_up_failure_);
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome != 1) {
    const int error = SSL_get_error(ssl_.get(), outcome);
    has_more_ = error == SSL_ERROR_WANT_READ && !input_drained_;
    if (error == SSL_ERROR_WANT_READ) return false;
    return std::unexpected<Error>(failure(error));
  }
  established_ = true;
  keep_session();
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get())) peer_name_ = owner_name(*certificate);
  return true;
}

std::string TlsLayer::whose_certificate() const {
  if (side_ == Side::client) return fmt::format("the certificate of host {} (at {})", host_, core_.peer().to_string());
  return fmt::format("the certificate of the client at {}", core_.peer().to_string());
}

int TlsLayer::on_verify(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return ok;
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsLayer& layer = of(ssl);
  layer.distrust_ = verify_sentence(X509_STORE_CTX_get_error(store), layer.whose_certificate(), X509_STORE_CTX_get0_cert(store),
                                    X509_STORE_CTX_get_current_cert(store));
  return 0;
}

std::string_view TlsLayer::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

// ---------------------------------------------------------------- data

Result<TryRead> TlsLayer::read(std::span<uint8_t> space) {
  has_more_ = false;
  if (space.empty() || (!core_.readable() && prefix_.empty() && SSL_has_pending(ssl_.get()) == 0)) return TryRead{TryRead::State::would_block};
  for (unsigned i = 0; i < kRecordsPerRead; ++i) {
    ERR_clear_error();
    size_t got = 0;
    if (SSL_read_ex(ssl_.get(), space.data(), space.size(), &got) == 1) return TryRead{TryRead::State::data, got};
    const int error = SSL_get_error(ssl_.get(), 0);
    if (error == SSL_ERROR_ZERO_RETURN) return TryRead{TryRead::State::end};
    if (error != SSL_ERROR_WANT_READ) return std::unexpected<Error>(failure(error));
    if (input_drained_) return TryRead{TryRead::State::would_block};
  }
  has_more_ = true;
  return TryRead{TryRead::State::would_block};
}

Result<void> TlsLayer::seal(ByteSpan plain) {
  ERR_clear_error();
  sealed_.reserve(plain.size() + (plain.size() / kRecord + 1) * kRecordOverhead);
  size_t written = 0;
  if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) == 1) return {};
  return std::unexpected<Error>(failure(SSL_get_error(ssl_.get(), 0)));
}

void TlsLayer::seal_end() {
  if (!established_ || std::exchange(end_sealed_, true)) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void TlsLayer::consume_sealed(size_t n) {
  sealed_.consume(n);
  if (sealed_.empty()) sealed_ = Buffer();
}

// ---------------------------------------------------------------- errors

Error TlsLayer::failure(int ssl_error) {
  if (core_.failure()) {
    ERR_clear_error();
    return *core_.failure();
  }
  if (distrust_) {
    ERR_clear_error();
    return {Code::unauthenticated, *distrust_};
  }
  if (ssl_error == SSL_ERROR_SYSCALL) {
    ERR_clear_error();
    return {Code::resource_exhausted, fmt::format("{} asks for more TLS answers than it takes; the connection is closed", core_.peer().to_string())};
  }
  return failure_of_reason(ERR_peek_error());
}

Error TlsLayer::failure_of_reason(unsigned long error) {
  const std::string peer = core_.peer().to_string();
  const std::string said = take_openssl_error();
  const int reason = ERR_GET_REASON(error);
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) return failure_of_alert(reason - SSL_AD_REASON_OFFSET);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING && established_) {
    return {Code::data_loss, fmt::format("{} ended the connection without TLS's close_notify: what it sent may have been cut short", peer)};
  }
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return {Code::unavailable, fmt::format("{} closed the connection during the TLS handshake{}", peer,
                                           side_ == Side::client ? "; does it speak TLS, and no plain text?" : "")};
  }
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return {Code::unauthenticated, fmt::format("the client at {} sent no certificate, and one is required (client_ca)", peer)};
  }
  if (is_not_tls(reason) && !established_) {
    return {Code::unavailable, fmt::format("what {} sends is not TLS ({}); does it speak plain text?", peer, said)};
  }
  return {Code::unavailable, fmt::format("TLS with {} failed: {}", peer, said)};
}

Error TlsLayer::failure_of_alert(int alert) const {
  const std::string_view advice = advice_for_alert(alert);
  // OpenSSL has no words for this one.
  const std::string_view name = alert == TLS13_AD_CERTIFICATE_REQUIRED ? "certificate required" : SSL_alert_desc_string_long(alert);
  return {advice.empty() ? Code::unavailable : Code::unauthenticated,
          fmt::format("{} refused TLS with the alert '{}' ({}){}{}", core_.peer().to_string(), name, alert, advice.empty() ? "" : ": ", advice)};
}

}  // namespace sofa::io::detail
