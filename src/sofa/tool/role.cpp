// sofa role list, put, remove

#include "sofa/identity/api.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

namespace api = identity::api;

constexpr CommandGroup kRoleCommands{"role", "what users may do, under a name"};

struct RoleRow {
  std::string name{}, doc{};
  std::vector<std::string> permissions{};
  bool built_in = false;
  int64_t users = 0;
  static void describe(Description<RoleRow>& d) {
    d.field("name", &RoleRow::name);
    d.field("doc", &RoleRow::doc);
    d.field("permissions", &RoleRow::permissions);
    d.field("built_in", &RoleRow::built_in);
    d.field("users", &RoleRow::users);
  }
};

struct PutOptions : AdminFlags {
  std::string doc{};
  std::vector<std::string> permission{};
  static void describe(Description<PutOptions>& d) {
    d.field("doc", &PutOptions::doc).doc("what it is for");
    d.field("permission", &PutOptions::permission).alias("p").doc("RESOURCE:ACTION, as in users:read; may be repeated");
    d.inherit<AdminFlags>();
  }
};

Exit list(Arguments<AdminFlags>& given, Terminal& terminal) {
  return list_from_admin<RoleRow>(given.options, terminal, {.route = "/v1/roles", .member = "roles"}, {.columns = {"name", "users", "permissions"}});
}

Exit put(Arguments<PutOptions>& given, Terminal& terminal) {
  const PutOptions& options = given.options;
  const api::RoleRequest role{.name = given.positional[0], .doc = options.doc, .permissions = options.permission};
  return ask_admin(options, terminal, {.verb = "PUT", .route = "/v1/roles/{name}", .arguments = arguments_of(role)},
                   [&](std::string_view json) { return show_one<RoleRow>(json, options.output, terminal); });
}

Exit remove(Arguments<AdminFlags>& given, Terminal& terminal) {
  return ask_admin(given.options, terminal,
                   {.verb = "DELETE", .route = "/v1/roles/{name}", .arguments = arguments_of(api::ByName{given.positional[0]})},
                   [](std::string_view) { return Result<void>(); });
}

constexpr std::string_view kPutAbout = R"(Makes a role, or replaces it.

  sofa role put payments-operator -p 'topics/*:*@payments' -p 'services:read'

A permission is RESOURCE:ACTION, with @NAMESPACE behind it for one namespace; '*' stands for any letters, and '!' in front takes away within the role.)";

}  // namespace

Command role_list_command() { return command<AdminFlags, list>({.group = &kRoleCommands, .name = "list", .summary = "lists the roles"}); }
Command role_put_command() {
  return command<PutOptions, put>({.group = &kRoleCommands,
                                   .name = "put",
                                   .usage = "NAME",
                                   .summary = "makes a role, or replaces it",
                                   .about = kPutAbout,
                                   .least = 1,
                                   .most = 1});
}
Command role_remove_command() {
  return command<AdminFlags, remove>(
      {.group = &kRoleCommands, .name = "remove", .usage = "NAME", .summary = "removes a role that nobody has", .least = 1, .most = 1});
}

}  // namespace sofa::tool
