// sofa user list, show, add, change, password, remove

#include "sofa/identity/api.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"
#include "sofa/tool/secret_input.h"

namespace sofa::tool {

namespace {

namespace api = identity::api;

constexpr CommandGroup kUserCommands{"user", "people and programs that may sign in"};

struct UserRow {
  std::string name{}, display_name{};
  std::vector<std::string> roles{}, namespaces{};
  bool disabled = false;
  Moment created_at_ms{};
  static void describe(Description<UserRow>& d) {
    d.field("name", &UserRow::name);
    d.field("display_name", &UserRow::display_name);
    d.field("roles", &UserRow::roles);
    d.field("namespaces", &UserRow::namespaces);
    d.field("disabled", &UserRow::disabled);
    d.field("created_at_ms", &UserRow::created_at_ms);
  }
};

Exit ask_about_user(const AdminFlags& flags, Terminal& terminal, std::string_view verb, const std::string& arguments, bool secret = false) {
  const std::string_view route = verb == "POST" ? "/v1/users" : "/v1/users/{name}";
  return ask_admin(flags, terminal, {.verb = verb, .route = route, .arguments = arguments, .secret = secret},
                   [&](std::string_view json) { return json.empty() ? Result<void>() : show_one<UserRow>(json, flags.output, terminal); });
}

Exit list(Arguments<AdminFlags>& given, Terminal& terminal) {
  return list_from_admin<UserRow>(given.options, terminal, {.route = "/v1/users", .member = "users"},
                                  {.columns = {"name", "display_name", "roles", "disabled"}, .none = "There are no users."});
}

Exit show(Arguments<AdminFlags>& given, Terminal& terminal) {
  return ask_about_user(given.options, terminal, "GET", arguments_of(api::ByName{given.positional[0]}));
}

Exit remove(Arguments<AdminFlags>& given, Terminal& terminal) {
  return ask_about_user(given.options, terminal, "DELETE", arguments_of(api::ByName{given.positional[0]}));
}

// add

struct AddOptions : AdminFlags {
  std::string display_name{};
  std::vector<std::string> role{}, namespaces{};
  bool no_password = false;
  static void describe(Description<AddOptions>& d) {
    d.field("display_name", &AddOptions::display_name).doc("how people call it");
    d.field("role", &AddOptions::role).doc("what it may do (sofa role list); may be repeated");
    d.field("namespace", &AddOptions::namespaces).doc("where its roles count; may be repeated; without one everywhere");
    d.field("without_password", &AddOptions::no_password).doc("it signs in with tokens alone");
    d.inherit<AdminFlags>();
  }
};

Exit add(Arguments<AddOptions>& given, Terminal& terminal) {
  const AddOptions& options = given.options;
  api::NewUserRequest user{
      .name = given.positional[0], .display_name = options.display_name, .password = "", .roles = options.role, .namespaces = options.namespaces};
  if (!options.no_password) {
    auto password = ask_new_secret(fmt::format("Password of the new user {}", user.name));
    if (!password) return wrong_usage(password.error(), options.output, terminal);
    user.password = std::move(*password);
  }
  return ask_about_user(options, terminal, "POST", arguments_of(user), !user.password.empty());
}

// change, password

struct ChangeOptions : AdminFlags {
  std::optional<std::string> display_name{};
  std::vector<std::string> role{}, namespaces{};
  bool everywhere = false;
  std::optional<bool> disabled{};
  static void describe(Description<ChangeOptions>& d) {
    d.field("display_name", &ChangeOptions::display_name).doc("how people call it");
    d.field("role", &ChangeOptions::role).doc("what it may do from now on, in place of its roles; may be repeated");
    d.field("namespace", &ChangeOptions::namespaces).doc("where its roles count from now on; may be repeated");
    d.field("everywhere", &ChangeOptions::everywhere).doc("its roles count everywhere from now on");
    d.field("disabled", &ChangeOptions::disabled).doc("it may sign in no more; --no-disabled lets it again");
    d.inherit<AdminFlags>();
  }
};

Exit change(Arguments<ChangeOptions>& given, Terminal& terminal) {
  const ChangeOptions& options = given.options;
  api::UserChangeRequest wanted{.name = given.positional[0], .display_name = options.display_name, .disabled = options.disabled};
  if (!options.role.empty()) wanted.roles = options.role;
  if (!options.namespaces.empty() || options.everywhere) wanted.namespaces = options.namespaces;
  return ask_about_user(options, terminal, "PATCH", arguments_of(wanted));
}

Exit password(Arguments<AdminFlags>& given, Terminal& terminal) {
  auto password = ask_new_secret(fmt::format("New password of {}", given.positional[0]));
  if (!password) return wrong_usage(password.error(), given.options.output, terminal);
  return ask_about_user(given.options, terminal, "PATCH",
                        arguments_of(api::UserChangeRequest{.name = given.positional[0], .password = std::move(*password)}), true);
}

constexpr std::string_view kAddAbout = R"(Adds a user. Its password is asked for, or read from standard input:

  sofa user add ann --role operator
  head -c 15 /dev/urandom | base64 | tee ann.txt | sofa user add ann --role viewer)";

}  // namespace

Command user_list_command() { return command<AdminFlags, list>({.group = &kUserCommands, .name = "list", .summary = "lists the users"}); }
Command user_show_command() {
  return command<AdminFlags, show>({.group = &kUserCommands, .name = "show", .usage = "NAME", .summary = "shows one user", .least = 1, .most = 1});
}
Command user_add_command() {
  return command<AddOptions, add>(
      {.group = &kUserCommands, .name = "add", .usage = "NAME", .summary = "adds a user", .about = kAddAbout, .least = 1, .most = 1});
}
Command user_change_command() {
  return command<ChangeOptions, change>({.group = &kUserCommands,
                                         .name = "change",
                                         .usage = "NAME",
                                         .summary = "changes roles, namespaces or the display name, disables and enables",
                                         .least = 1,
                                         .most = 1});
}
Command user_password_command() {
  return command<AdminFlags, password>({.group = &kUserCommands,
                                        .name = "password",
                                        .usage = "NAME",
                                        .summary = "sets a new password, which ends the user's sessions",
                                        .least = 1,
                                        .most = 1});
}
Command user_remove_command() {
  return command<AdminFlags, remove>(
      {.group = &kUserCommands, .name = "remove", .usage = "NAME", .summary = "removes a user with its keys and tokens", .least = 1, .most = 1});
}

}  // namespace sofa::tool
