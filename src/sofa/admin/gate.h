#pragma once
// Gate: who asks the admin API, and what they may do. The API asks it before every operation; identity implements it, OpenGate lets everybody in.

#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/http/exchange.h"
#include "sofa/io/address.h"
#include "sofa/io/task.h"

namespace sofa::admin {

/// How someone has proved who they are.
/// `platform`: the platform, which the request came through, knows them, and has asked its own gate.
enum class Proof : uint8_t { nothing, password, token, session, certificate, platform };
std::string_view to_string(Proof proof);

/// Who asks.
struct Principal {
  std::string name{};  ///< of a user
  Proof proof{};
  std::string session{};  ///< with Proof::session: its id, never shown
  std::string token{};    ///< with Proof::token: its id
  /// With Proof::platform: what the platform lets them do. A program with a gate of its own asks that; one without takes these for all there is.
  std::vector<std::string> permissions{};
  bool read_only = false;  ///< a page makes the request, and has not shown that it is one of ours: it changes nothing
};

/// What a request brings to prove who asks. Views live as long as the request.
struct Credentials {
  std::string_view authorization{};     ///< the header: "Bearer ...", "Basic ..."
  std::string_view cookies{};           ///< the header
  std::string_view certificate_name{};  ///< that the peer's certificate proved
  io::Address peer{};
};
Credentials credentials_of(const http::Exchange& exchange);

/// Any shard, any time; shared by all requests.
class Gate {
 public:
  virtual ~Gate() = default;
  /// Who it is. unauthenticated, with a sentence, when nothing is proved or what is brought is wrong; resource_exhausted for one who tries too often.
  virtual io::Task<Result<Principal>> identify(const Credentials& credentials) = 0;
  /// The same without a wait: a password, whose check takes time, is refused.
  virtual Result<Principal> identify_at_once(const Credentials& credentials) = 0;
  /// permission_denied, with the permission that is missing. A permission is "users:read": a resource and what is done with it.
  virtual Result<void> may(const Principal& principal, std::string_view permission) const = 0;
  /// What a principal has, for those who show it: "users:read"; "*" for all, and what begins with '!' is taken away. may() decides.
  virtual std::vector<std::string> permissions_of(const Principal& principal) const = 0;
  /// What a page must send back in "x-csrf-token" to change something: a page of another origin cannot read it.
  virtual std::string csrf_token(const Principal& principal) const = 0;
  /// Of 401: 'Basic realm="sofa", Bearer'.
  virtual std::string challenge() const = 0;
  /// Whether everybody may do everything: shown by the console.
  virtual bool is_open() const { return false; }
};

/// Everybody is the user "dev" and may do everything: for loopback, while a program is being developed. Who comes through a platform may what the
/// platform's gate lets them do.
class OpenGate final : public Gate {
 public:
  OpenGate();
  io::Task<Result<Principal>> identify(const Credentials& credentials) override;
  Result<Principal> identify_at_once(const Credentials& credentials) override;
  Result<void> may(const Principal& principal, std::string_view permission) const override;
  std::vector<std::string> permissions_of(const Principal& principal) const override;
  std::string csrf_token(const Principal&) const override { return token_; }
  std::string challenge() const override { return "Bearer"; }
  bool is_open() const override { return true; }

 private:
  const std::string token_;
};

/// Whether two texts are equal, in a time that says nothing of where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);
/// So many random bytes of the system, in hexadecimal: for secrets.
std::string random_secret(size_t bytes);

/// Whether a page of a browser sends this request: it says from which origin, or how it was made (Fetch standard, "Sec-Fetch-Site").
bool is_of_a_page(const http::Headers& headers);
inline bool is_of_a_page(const http::RequestHead& head) { return is_of_a_page(head.headers); }

}  // namespace sofa::admin
