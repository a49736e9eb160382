#pragma once
// Commands that ask the admin API of a running server: where it is, who asks, and one request with its answer.
//
//   struct ListOptions : AdminFlags { ... d.inherit<AdminFlags>(); };
//   Exit list(Arguments<ListOptions>& given, Terminal& terminal) {
//     return ask_admin(given.options, terminal, {.verb = "GET", .route = "/v1/users"}, [&](std::string_view json) { ... });
//   }

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sofa/base/clock.h"
#include "sofa/base/json.h"
#include "sofa/io/tls.h"
#include "sofa/tool/call_plan.h"
#include "sofa/tool/command.h"
#include "sofa/tool/contexts.h"
#include "sofa/tool/json_tree.h"
#include "sofa/tool/output.h"

namespace sofa::tool {

/// Flags of every command that asks the admin API.
struct AdminFlags : OutputFlags, ContextFlags {
  std::string server{};
  std::string user{};
  std::string ca{};
  bool allow_plain = false;
  double timeout = 10;
  static void describe(Description<AdminFlags>& d);
};

/// Where the admin API is, and who asks there.
struct AdminTarget {
  Target target{};
  std::optional<io::TlsClientConfig> tls{};
  std::string authorization{};     ///< the header; empty: nobody
  std::string user{}, password{};  ///< that it is of, when it is of a password
  Duration timeout{};
  bool plain = false;  ///< what is sent there can be read on the way, and nobody has allowed that
};

/// Where alone, of the flags or the context in force; nobody is asked for a password. Errors: of choose_context, invalid_argument.
Result<Target> admin_address(const AdminFlags& flags);

/// From the flags, the environment (SOFA_TOKEN, SOFA_PASSWORD) and the context; what stands first wins. A server that is named by --server gets
/// nothing of a context. May ask for a password. Errors: of choose_context, invalid_argument, also for a password or token that would cross a
/// network in clear though nobody has allowed it. Blocks.
Result<AdminTarget> admin_target(const AdminFlags& flags);

/// A request by its route, "/v1/users/{name}", and the arguments of it by name, as JSON.
struct AdminRequest {
  std::string_view verb{};
  std::string_view route{};
  std::string arguments{};
  bool secret = false;  ///< the arguments or the answer hold one: it is not sent in clear beyond this machine
};

/// Sends one request and hands the JSON of its answer, empty for none, to `show`. An error is told as the flags say. Gives how the program ends.
Exit ask_admin(const AdminFlags& flags, Terminal& terminal, const AdminRequest& request,
               const std::function<Result<void>(std::string_view json)>& show);

/// Asks again and again over one connection, until Ctrl-C or an error. Who has a password signs in once, where the server has sessions, and out
/// at the end.
struct Polling {
  std::function<AdminRequest()> next{};
  std::function<Result<bool>(std::string_view json)> show{};  ///< whether to ask again at once
  Duration pause = std::chrono::milliseconds(500);
  bool once = false;  ///< end when there is nothing to ask at once
};
Exit poll_admin(const AdminFlags& flags, Terminal& terminal, const Polling& polling);

/// What an answer that is an error says: the sentence of its problem+json, with what to do where nobody has signed in.
Error error_of_answer(int status, std::string_view body);

/// The arguments of a request, from a described struct.
template <class T>
std::string arguments_of(const T& request) {
  auto json = to_json(request);
  return json ? std::move(*json) : std::string();
}

/// What a server answers; fields of a newer one are passed over.
template <class T>
Result<T> from_answer(std::string_view json) {
  return from_json<T>(json, {.source = "the answer", .ignore_unknown = true, .null_is_default = true});
}

/// Milliseconds since 1970 in an answer; shown as UTC, "2026-03-01 10:00", and 0 as nothing.
struct Moment {
  int64_t milliseconds = 0;
  std::string to_string() const;
};

/// Prints an answer that is one object.
template <class T>
Result<void> show_one(std::string_view json, OutputFormat format, Terminal& terminal) {
  if (is_document(format)) return print_document(json, format, terminal), Result<void>();
  auto object = from_answer<T>(json);
  if (!object) return forward_error(object);
  print_object(*object, format, terminal);
  return {};
}

/// A list that comes by pages: {"users": [...], "next": "..."}.
struct ListRequest {
  std::string_view route{};
  std::string_view member{};
  std::string_view owner{};  ///< only of this user; empty: all
};

/// All items of a list as one JSON list; an error is told, and then there is none.
std::optional<std::string> fetch_list(const AdminFlags& flags, Terminal& terminal, const ListRequest& request, Exit& exit);

/// Prints a list: rows of a table, or the list as it came.
template <class Row>
Exit list_from_admin(const AdminFlags& flags, Terminal& terminal, const ListRequest& request, const TableStyle& style) {
  Exit exit = Exit::ok;
  const auto list = fetch_list(flags, terminal, request, exit);
  if (!list) return exit;
  if (is_document(flags.output)) return print_document(*list, flags.output, terminal), Exit::ok;
  const auto rows = from_answer<std::vector<Row>>(*list);
  if (!rows) return terminal.complain(rows.error().to_string()), Exit::no_answer;
  print_rows<Row>(*rows, flags.output, terminal, style);
  return Exit::ok;
}

/// Tells an error of what was given.
Exit wrong_usage(const Error& error, OutputFormat format, Terminal& terminal);

}  // namespace sofa::tool

namespace sofa {
template <>
struct TypeTraits<tool::Moment> {
  static constexpr bool kKnown = true;
  static void fill(Type& type);
};
}  // namespace sofa
