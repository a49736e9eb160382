#pragma once
// What to call, as a command line says it: `sofa call` and `sofa bench` share it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/io/tls.h"
#include "sofa/tool/java_json.h"

namespace sofa::tool {

/// "bolt://127.0.0.1:12200": a server and the protocol to speak with it.
struct Target {
  std::string protocol;  ///< bolt, dubbo, tri, grpc, http, h2c, h2
  std::string address;   ///< "127.0.0.1:12200"
  bool secure = false;   ///< grpcs://, https://, h2://
  /// Without a protocol it is bolt. Errors: invalid_argument with the protocols that there are.
  static Result<Target> parse(std::string_view text);
  std::string to_string() const { return fmt::format("{}{}://{}", protocol, secure && protocol != "h2" ? "s" : "", address); }
};

/// "com.acme.Hello:1.0:blue.hello(java.lang.String,int)", "acme.Hello/Hello" or, of REST, "GET /orders/{id}".
struct MethodName {
  std::string verb{};     ///< of a route, whose path is `method`; empty: no route
  std::string service{};  ///< "com.acme.Hello", without version and unique id
  std::string method{};
  std::optional<std::string> version{};          ///< nothing: 1.0; over Dubbo none
  std::string unique_id{};                       ///< over Dubbo the group
  std::optional<std::vector<JavaType>> types{};  ///< of the parameters, when they are named
  static Result<MethodName> parse(std::string_view text);
};

/// Seconds of a flag.
Duration seconds(double count);

/// Flags of every command that connects.
struct TlsFlags {
  bool tls = false;
  std::string ca;
  std::string cert;
  std::string key;
  std::string server_name;
  bool insecure = false;

  /// What a connection to the target is encrypted with; nothing for a plain one.
  std::optional<io::TlsClientConfig> tls_for(const Target& target) const;

  static void describe(Description<TlsFlags>& d);
};

/// Target::parse, and whether the flags can be meant. Errors: invalid_argument for a file that cannot be read, and for a certificate without its key.
Result<Target> parse_target(std::string_view text, const TlsFlags& flags);

/// Flags of every command that calls.
struct CallFlags : TlsFlags {
  double timeout = 0;
  std::map<std::string, std::string> header;
  std::map<std::string, std::string> baggage;
  std::string app = "sofa-tool";
  std::vector<std::string> proto;
  std::vector<std::string> import;

  /// Of a call of one answer.
  Duration call_timeout() const;
  /// Of a call that streams; zero: none.
  Duration stream_timeout() const { return seconds(timeout); }

  static void describe(Description<CallFlags>& d);
};

struct CallPlan {
  Target target;
  MethodName method;
  std::string arguments;  ///< JSON, or "-": standard input
  CallFlags flags;
};

/// From TARGET SERVICE.METHOD [ARGUMENTS]. Errors: invalid_argument.
Result<CallPlan> make_plan(const std::vector<std::string>& words, const CallFlags& flags);

}  // namespace sofa::tool
