#pragma once
// For tests: an authority that issues certificates on the spot, so that none lies in the tree.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sofa/io/tls.h"

namespace sofa::io::testing {

struct CertificateRequest {
  std::string common_name = "localhost";
  std::vector<std::string> alternative_names{"DNS:localhost", "IP:127.0.0.1"};  ///< each with its kind: "DNS:", "IP:", "URI:"
  std::chrono::seconds begins{-3600};                                           ///< from now on
  std::chrono::seconds ends{3600};                                              ///< from now on
};

/// A root with an ECDSA key.
class Authority {
 public:
  explicit Authority(std::string name = "Test Root");
  ~Authority();
  /// Its own certificate, as PEM.
  const std::string& certificate() const { return certificate_; }
  /// A certificate signed by it and the key of that, as PEM texts.
  TlsCertificate issue(const CertificateRequest& request = {}) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::string certificate_;
};

/// A folder of PEM files that goes with the test.
class PemFolder {
 public:
  PemFolder();
  ~PemFolder();
  PemFolder(const PemFolder&) = delete;
  PemFolder& operator=(const PemFolder&) = delete;
  /// As tools that renew certificates do it: a new file takes the place of the old one. Gives its path.
  std::string put(const std::string& name, const std::string& text) const;
  /// NAME.pem and NAME.key.
  void put(const std::string& name, const TlsCertificate& pair) const;
  /// Their paths.
  TlsCertificate files(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace sofa::io::testing
