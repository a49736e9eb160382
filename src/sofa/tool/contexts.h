#pragma once
// Clusters by name: where the admin API of each is and who asks there, kept in a file of the user alone. A command that asks a platform has
// ContextFlags, and asks choose_context() for what they mean.
//
//   struct ListOptions : OutputFlags, ContextFlags { ... d.inherit<ContextFlags>(); };
//   const auto context = choose_context(options.context);     // --context, SOFA_CONTEXT, the file's current one, or this machine

#include <map>
#include <string>
#include <string_view>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::tool {

/// One cluster. A secret may be "file:PATH": then it is what the file holds.
struct Context {
  std::string server = "http://127.0.0.1:9900";  ///< of the admin API
  std::string token{};
  std::string user{};
  std::string password{};
  std::string ca{};           ///< authorities, PEM; empty: the system's
  std::string certificate{};  ///< with `key` for mutual TLS
  std::string key{};          ///< the file of the private key
  std::string server_name{};  ///< that the server's certificate must have; empty: the host
  bool insecure = false;      ///< believe any certificate
  bool allow_plain = false;   ///< send a secret without encryption beyond this machine
  static void describe(Description<Context>& d);
};

/// The file.
struct Contexts {
  std::string current{};  ///< empty: this machine
  std::map<std::string, Context> contexts{};
  static void describe(Description<Contexts>& d);
};

struct ContextFlags {
  std::string context;
  static void describe(Description<ContextFlags>& d);
};

/// $XDG_CONFIG_HOME/sofa/contexts.yaml, or ~/.config/sofa/contexts.yaml.
std::string contexts_path();

/// Nothing in it when there is no file. Errors: permission_denied when others than its owner may read it, invalid_argument with every mistake.
Result<Contexts> load_contexts(const std::string& path);
/// In place of the former file, whole or not at all, for its owner alone (mode 600).
Result<void> save_contexts(const std::string& path, const Contexts& contexts);

/// Whether name, server and files of a context can be meant.
Result<void> check_context(std::string_view name, const Context& context);

/// The context of this name, with its secrets read; not_found names the nearest. Empty: SOFA_CONTEXT, else the file's current one, else this machine.
Result<Context> choose_context(std::string_view name, const std::string& path = contexts_path());

}  // namespace sofa::tool
