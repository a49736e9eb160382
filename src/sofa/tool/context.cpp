// sofa context list, use, add, remove

#include "sofa/tool/commands.h"
#include "sofa/tool/contexts.h"
#include "sofa/tool/secret_input.h"

namespace sofa::tool {

namespace {

constexpr CommandGroup kContextCommands{"context", "clusters by name: where they are, and who asks there"};

Exit complain(const Error& error, Terminal& terminal) { return terminal.complain(error.to_string()), Exit::wrong_usage; }

/// Loads the file, lets `change` change it, and saves it.
template <class Change>
Exit change_file(Terminal& terminal, const Change& change) {
  auto contexts = load_contexts(contexts_path());
  if (!contexts) return complain(contexts.error(), terminal);
  if (const Result<void> changed = change(*contexts); !changed) return complain(changed.error(), terminal);
  if (const auto saved = save_contexts(contexts_path(), *contexts); !saved) return terminal.complain(saved.error().to_string()), Exit::refused;
  return Exit::ok;
}

Result<void> must_know(const Contexts& contexts, const std::string& name) {
  if (contexts.contexts.contains(name)) return {};
  return fail(Code::not_found, "there is no context \"{}\"; 'sofa context list' names those that there are", name);
}

struct ListOptions : OutputFlags {
  static void describe(Description<ListOptions>& d) { d.inherit<OutputFlags>(); }
};

/// A row of `sofa context list`: no secret, only which kind there is.
struct Listed {
  bool current = false;
  std::string name;
  std::string server;
  std::string proof;
  std::string ca;
  bool insecure = false;
  static void describe(Description<Listed>& d) {
    d.field("current", &Listed::current);
    d.field("name", &Listed::name);
    d.field("server", &Listed::server);
    d.field("proof", &Listed::proof).doc("how who asks is known: token, the user's name with a password, certificate, or none");
    d.field("ca", &Listed::ca);
    d.field("insecure", &Listed::insecure);
  }
};

std::string proof_of(const Context& context) {
  if (!context.token.empty()) return "token";
  if (!context.user.empty()) return "user " + context.user;
  return context.certificate.empty() ? "none" : "certificate";
}

Exit list(Arguments<ListOptions>& given, Terminal& terminal) {
  const auto contexts = load_contexts(contexts_path());
  if (!contexts) return complain(contexts.error(), terminal);
  std::vector<Listed> rows;
  for (const auto& [name, context] : contexts->contexts) {
    rows.push_back({name == contexts->current, name, context.server, proof_of(context), context.ca, context.insecure});
  }
  print_rows<Listed>(
      rows, given.options.output, terminal,
      {.columns = {"current", "name", "server", "proof"},
       .none = "There are no contexts: commands ask this machine (http://127.0.0.1:9900). 'sofa context add NAME --server URL' makes one."});
  return Exit::ok;
}

struct NameOptions {
  static void describe(Description<NameOptions>&) {}
};

Exit use(Arguments<NameOptions>& given, Terminal& terminal) {
  return change_file(terminal, [&](Contexts& contexts) {
    auto known = must_know(contexts, given.positional[0]);
    if (known) contexts.current = given.positional[0];
    return known;
  });
}

Exit remove(Arguments<NameOptions>& given, Terminal& terminal) {
  return change_file(terminal, [&](Contexts& contexts) {
    auto known = must_know(contexts, given.positional[0]);
    contexts.contexts.erase(given.positional[0]);
    if (contexts.current == given.positional[0]) contexts.current.clear();
    return known;
  });
}

/// The fields of a Context that are given.
struct AddOptions {
  std::optional<std::string> server{}, token{}, user{}, password{}, ca{}, certificate{}, key{}, server_name{};
  std::optional<bool> insecure{}, allow_plain{};
  static void describe(Description<AddOptions>& d) {
    d.field("server", &AddOptions::server).doc("of the admin API: http://HOST:PORT or https://HOST:PORT");
    d.field("token", &AddOptions::token).doc("proves who asks: file:PATH, or - for a line of standard input");
    d.field("user", &AddOptions::user).doc("in place of a token, with a password");
    d.field("password", &AddOptions::password)
        .doc("of the user: file:PATH, or - for a line of standard input; without one it is asked for each time");
    d.field("ca", &AddOptions::ca).doc("a file of authorities (PEM); empty: the system's");
    d.field("certificate", &AddOptions::certificate).doc("a file (PEM) that proves who asks, with key");
    d.field("key", &AddOptions::key).doc("the file of its private key");
    d.field("server_name", &AddOptions::server_name).doc("the name that the server's certificate must have; empty: the host");
    d.field("insecure", &AddOptions::insecure).doc("believe any certificate");
    d.field("allow_plain", &AddOptions::allow_plain).doc("send passwords and tokens without encryption beyond this machine, too");
  }
};

/// A secret itself stands on no command line, which every process of the machine can read.
Result<void> read_secret(std::string_view what, std::optional<std::string>& secret) {
  if (!secret || secret->empty() || secret->starts_with("file:")) return {};
  if (*secret != "-") {
    return fail(Code::invalid_argument, "--{} takes file:PATH, or - for a line of standard input: other users of the machine see command lines",
                what);
  }
  auto line = ask_secret(what);
  if (!line) return forward_error(line);
  secret = std::move(*line);
  return {};
}

/// What is given takes the place of what is there; a token that of a user, and a user that of a token.
void merge(const AddOptions& given, Context& context) {
  if (given.token && !given.token->empty()) context.user.clear(), context.password.clear();
  if (given.user && !given.user->empty()) context.token.clear();
  if (given.user && *given.user != context.user) context.password.clear();
  const auto take = [](auto& own, const auto& option) {
    if (option) own = *option;
  };
  take(context.server, given.server);
  take(context.token, given.token);
  take(context.user, given.user);
  take(context.password, given.password);
  take(context.ca, given.ca);
  take(context.certificate, given.certificate);
  take(context.key, given.key);
  take(context.server_name, given.server_name);
  take(context.insecure, given.insecure);
  take(context.allow_plain, given.allow_plain);
}

Exit add(Arguments<AddOptions>& given, Terminal& terminal) {
  AddOptions& options = given.options;
  for (const auto& [what, secret] : {std::pair("token", &options.token), std::pair("password", &options.password)}) {
    if (auto read = read_secret(what, *secret); !read) return complain(read.error(), terminal);
  }
  const std::string& name = given.positional[0];
  return change_file(terminal, [&](Contexts& contexts) {
    const auto known = contexts.contexts.find(name);
    Context context = known == contexts.contexts.end() ? Context() : known->second;
    merge(options, context);
    auto checked = check_context(name, context);
    if (!checked) return checked;
    contexts.contexts.insert_or_assign(name, context);
    if (contexts.current.empty()) contexts.current = name;
    return checked;
  });
}

constexpr std::string_view kAddAbout = R"(Names a cluster, or changes what is given of one that is there. The first one becomes the current one.

  sofa context add prod --server https://sofa.example.com:9900 --token file:/home/me/.sofa-token
  sofa context add prod --server https://sofa.example.com:9900 --token - < token

The file is ~/.config/sofa/contexts.yaml (in $XDG_CONFIG_HOME where that is set), for its owner alone. A secret is given as file:PATH, which is kept as that, or
by '-' on standard input: other users of the machine see command lines.)";

}  // namespace

Command context_list_command() {
  return command<ListOptions, list>({.group = &kContextCommands, .name = "list", .summary = "lists the clusters that have a name"});
}

Command context_use_command() {
  return command<NameOptions, use>(
      {.group = &kContextCommands, .name = "use", .usage = "NAME", .summary = "makes a cluster the current one", .least = 1, .most = 1});
}

Command context_add_command() {
  return command<AddOptions, add>(
      {.group = &kContextCommands, .name = "add", .usage = "NAME", .summary = "names a cluster", .about = kAddAbout, .least = 1, .most = 1});
}

Command context_remove_command() {
  return command<NameOptions, remove>(
      {.group = &kContextCommands, .name = "remove", .usage = "NAME", .summary = "forgets a cluster", .least = 1, .most = 1});
}

}  // namespace sofa::tool
