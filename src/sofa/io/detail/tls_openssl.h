#pragma once
// Owners of OpenSSL's objects, and the texts that its certificates hold.

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

namespace sofa::io::detail {

template <auto kFree>
struct OpenSslDelete {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, OpenSslDelete<&BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDelete<&EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpenSslDelete<&X509_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, OpenSslDelete<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpenSslDelete<&SSL_free>>;

/// What OpenSSL says of the last failure of this thread; empties its queue of errors.
std::string take_openssl_error();

/// The DNS names and addresses of the certificate, or else its common name.
std::vector<std::string> host_names(const X509& certificate);
/// Who a certificate says its owner is: the first DNS name or URI, or else the common name.
std::string owner_name(const X509& certificate);
/// "CN=Test CA,O=Acme"
std::string issuer_of(const X509& certificate);
std::string subject_of(const X509& certificate);
/// "2026-11-27 14:10:00 UTC"
std::string time_text(const ASN1_TIME* time);

/// Why the chain was not believed: a sentence. `whose` names its owner ("the certificate of host db.example.com"); `leaf` is the owner's, `at` the
/// certificate of the chain that is at fault; either may be null.
std::string verify_sentence(int error, const std::string& whose, const X509* leaf, const X509* at);

}  // namespace sofa::io::detail
