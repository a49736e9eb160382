// sofa context list, use, add, remove

#include <iostream>

#include "sofa/tool/commands.h"
#include "sofa/tool/contexts.h"

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

struct AddOptions : Context {
  static void describe(Description<AddOptions>& d) { d.inherit<Context>(); }
};

Exit add(Arguments<AddOptions>& given, Terminal& terminal) {
  Context& context = given.options;
  for (std::string* secret : {&context.token, &context.password}) {
    if (*secret == "-" && !std::getline(std::cin, *secret)) return terminal.complain("standard input has no line for the secret"), Exit::wrong_usage;
  }
  const std::string& name = given.positional[0];
  return change_file(terminal, [&](Contexts& contexts) {
    auto checked = check_context(name, context);
    if (!checked) return checked;
    contexts.contexts.insert_or_assign(name, context);
    if (contexts.current.empty()) contexts.current = name;
    return checked;
  });
}

constexpr std::string_view kAddAbout = R"(Names a cluster, or changes what is known of it. The first one becomes the current one.

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
