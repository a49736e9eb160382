#include "sofa/io/testing/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "sofa/io/detail/tls_openssl.h"

namespace sofa::io::testing {

using detail::BioPtr;
using detail::CertificatePtr;
using detail::KeyPtr;

namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

std::string pem_of(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(out.get());
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void set_common_name(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()), -1, 0);
}

CertificatePtr new_certificate(const CertificateRequest& request, EVP_PKEY* key) {
  static std::atomic<long> serial{1};
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), request.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), request.ends.count());
  X509_set_pubkey(certificate.get(), key);
  set_common_name(X509_get_subject_name(certificate.get()), request.common_name);
  return certificate;
}

}  // namespace

struct Authority::Keys {
  KeyPtr key;
  CertificatePtr certificate;
};

Authority::Authority(std::string name) : keys_(std::make_unique<Keys>()) {
  keys_->key.reset(EVP_EC_gen("P-256"));
  keys_->certificate = new_certificate({.common_name = std::move(name), .alternative_names = {}}, keys_->key.get());
  X509* own = keys_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(own, keys_->key.get(), EVP_sha256());
  certificate_ = pem_of(own);
}

Authority::~Authority() = default;

TlsCertificate Authority::issue(const CertificateRequest& request) const {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate = new_certificate(request, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(keys_->certificate.get()));
  std::string names;
  for (const std::string& name : request.alternative_names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) add_extension(certificate.get(), keys_->certificate.get(), NID_subject_alt_name, names);
  X509_sign(certificate.get(), keys_->key.get(), EVP_sha256());
  return {.certificate = pem_of(certificate.get()), .key = pem_of(key.get())};
}

PemFolder::PemFolder() {
  std::string name = "/tmp/sofa-tls-XXXXXX";
  path_ = ::mkdtemp(name.data());
}

PemFolder::~PemFolder() { std::filesystem::remove_all(path_); }

std::string PemFolder::put(const std::string& name, const std::string& text) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
  return path;
}

void PemFolder::put(const std::string& name, const TlsCertificate& pair) const {
  put(name + ".pem", pair.certificate);
  put(name + ".key", pair.key);
}

TlsCertificate PemFolder::files(const std::string& name) const {
  return {.certificate = path_ + "/" + name + ".pem", .key = path_ + "/" + name + ".key"};
}

}  // namespace sofa::io::testing
