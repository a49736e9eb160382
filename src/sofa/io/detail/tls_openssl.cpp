#include "sofa/io/detail/tls_openssl.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>

#include <ctime>
#include <functional>

namespace sofa::io::detail {

namespace {

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), static_cast<size_t>(ASN1_STRING_length(string))};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return {};
  ::inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text);
  return text;
}

/// Alternative names of the kinds that `take` gives a text for.
std::vector<std::string> alternative_names(const X509& certificate, const std::function<std::string(const GENERAL_NAME&)>& take) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    std::string name = take(*sk_GENERAL_NAME_value(list, i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  GENERAL_NAMES_free(list);
  return names;
}

std::string common_name(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string() : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

std::string name_text(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  std::string text = reason != nullptr ? reason : fmt::format("error {:x}", error);
  ERR_clear_error();
  return text;
}

std::vector<std::string> host_names(const X509& certificate) {
  std::vector<std::string> names = alternative_names(certificate, [](const GENERAL_NAME& name) -> std::string {
    if (name.type == GEN_DNS) return text_of(name.d.dNSName);
    if (name.type == GEN_IPADD) return address_text(name.d.iPAddress);
    return {};
  });
  if (names.empty() && !common_name(certificate).empty()) names.push_back(common_name(certificate));
  return names;
}

std::string owner_name(const X509& certificate) {
  const std::vector<std::string> names = alternative_names(certificate, [](const GENERAL_NAME& name) -> std::string {
    if (name.type == GEN_DNS) return text_of(name.d.dNSName);
    if (name.type == GEN_URI) return text_of(name.d.uniformResourceIdentifier);
    return {};
  });
  return names.empty() ? common_name(certificate) : names.front();
}

std::string issuer_of(const X509& certificate) { return name_text(X509_get_issuer_name(&certificate)); }
std::string subject_of(const X509& certificate) { return name_text(X509_get_subject_name(&certificate)); }

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable time";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                     parts.tm_sec);
}

std::string verify_sentence(int error, const std::string& whose, const X509* leaf, const X509* at) {
  const std::string which = at == nullptr || at == leaf ? whose : fmt::format("{} leads to '{}', which", whose, subject_of(*at));
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("{} is expired since {}; its owner must renew it", which, at == nullptr ? "" : time_text(X509_get0_notAfter(at)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is not valid before {}; check the clocks of both machines", which,
                         at == nullptr ? "" : time_text(X509_get0_notBefore(at)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("{} is made for {}; connect by a name that it has, or set `server_name` to one", whose,
                         leaf == nullptr ? "another name" : fmt::to_string(fmt::join(host_names(*leaf), ", ")));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format("{} is signed by itself and is not among the trusted ones; add it to `ca` if you trust it", whose);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return fmt::format("{} is issued by '{}', which is not among the trusted ones; add the issuer's certificate to `ca`", whose,
                         at == nullptr ? "" : issuer_of(*at));
    case X509_V_ERR_INVALID_PURPOSE:
      return fmt::format("{} is not made for this use (extended key usage); it needs serverAuth on a server, clientAuth on a client", which);
    default:
      return fmt::format("{} is not valid: {}", which, X509_verify_cert_error_string(error));
  }
}

}  // namespace sofa::io::detail
