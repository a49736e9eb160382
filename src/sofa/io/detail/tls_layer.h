#pragma once
// The TLS of one stream: bytes of the socket become plain bytes and back. It stands inside a StreamCore, which does all input and output: what is
// to be sent piles up in sealed(). Belongs to the core's shard; not touched by other threads.

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sofa/io/detail/tls_settings.h"
#include "sofa/io/stream.h"

namespace sofa::io::detail {

class TlsLayer {
 public:
  enum class Side : uint8_t { server, client };

  /// What one handshake needs beside the settings.
  struct Handshake {
    Side side;
    std::shared_ptr<const TlsSettings> settings;
    std::string host;    // a client's: the name to ask for and to verify
    std::string alpn;    // in wire form; may be empty
    Buffer prefix;       // bytes of the peer that were read before
    bool verify = true;  // a client's
  };

  TlsLayer(StreamCore& core, Handshake handshake);
  TlsLayer(const TlsLayer&) = delete;
  TlsLayer& operator=(const TlsLayer&) = delete;
  static TlsLayer& of(const SSL* ssl);

  /// Goes on with the handshake as far as the bytes that are there allow: true when it is done.
  Result<bool> shake_hands();
  /// True when shake_hands() or read() stopped at its share and not for want of input.
  bool has_more() const { return has_more_; }

  /// Plain bytes from what the socket gives. An end without the peer's close_notify is an error: somebody may have cut the stream.
  Result<TryRead> read(std::span<uint8_t> space);
  /// Encrypts to the end of sealed().
  Result<void> seal(ByteSpan plain);
  /// The same with our close_notify, once.
  void seal_end();
  /// What is to be written to the socket; kept no longer than it holds bytes.
  const Buffer& sealed() const { return sealed_; }
  void consume_sealed(size_t n);

  const TlsSettings& settings() const { return *settings_; }
  const std::string& alpn_wire_form() const { return alpn_offer_; }
  std::string_view alpn() const;
  const std::string& peer_name() const { return peer_name_; }
  bool is_resumed() const { return established_ && SSL_session_reused(ssl_.get()) == 1; }
  /// What the handshake does now, in OpenSSL's words.
  std::string_view state() const { return SSL_state_string_long(ssl_.get()); }

  /// OpenSSL's verify callback: keeps the reason.
  static int on_verify(int ok, X509_STORE_CTX* store);
  /// OpenSSL's callback for a session that can be resumed: keeps it.
  static int on_new_session(SSL* ssl, SSL_SESSION* session);

 private:
  static const BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* space, int size);
  static int bio_write(BIO* bio, const char* data, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  int take_input(BIO* bio, std::span<uint8_t> space);
  Result<void> expect_host(const std::string& host, bool verify);
  void offer_session();
  void keep_session();
  std::string whose_certificate() const;
  /// The error of the last call, as a sentence; its queue is empty afterwards.
  Error failure(int ssl_error);
  Error failure_of_reason(unsigned long error);
  Error failure_of_alert(int alert) const;

  StreamCore& core_;
  std::shared_ptr<const TlsSettings> settings_;
  const Side side_;
  std::string host_;
  std::string alpn_offer_;
  Buffer prefix_;
  Buffer sealed_;
  SslPtr ssl_;
  std::string peer_name_;
  std::string target_;                   // a client's: whose sessions fit
  std::optional<std::string> distrust_;  // why the peer's certificate was not believed
  std::optional<Error> set_up_failure_;
  bool input_drained_ = false;  // the socket had nothing when it was asked last
  bool input_ended_ = false;
  bool has_more_ = false;
  bool established_ = false;
  bool end_sealed_ = false;
};

}  // namespace sofa::io::detail
