// sofa key and sofa token: list, add, remove

#include "sofa/identity/api.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"

namespace sofa::tool {

namespace {

namespace api = identity::api;

constexpr CommandGroup kKeyCommands{"key", "access keys: ids with secrets, for protocols that sign what they send"};
constexpr CommandGroup kTokenCommands{"token", "tokens that stand for a user, until they expire"};

struct KeyRow {
  std::string id{}, owner{}, doc{};
  Moment created_at_ms{}, expires_at_ms{};
  static void describe(Description<KeyRow>& d) {
    d.field("id", &KeyRow::id);
    d.field("owner", &KeyRow::owner);
    d.field("doc", &KeyRow::doc);
    d.field("created_at_ms", &KeyRow::created_at_ms);
    d.field("expires_at_ms", &KeyRow::expires_at_ms);
  }
};

struct TokenRow : KeyRow {
  std::vector<std::string> roles{};
  static void describe(Description<TokenRow>& d) {
    d.inherit<KeyRow>();
    d.field("roles", &TokenRow::roles);
  }
};

/// What a creation answers; either of the two is there.
struct Created {
  std::optional<TokenRow> key{}, token{};
  std::string secret{};
  static void describe(Description<Created>& d) {
    d.field("key", &Created::key);
    d.field("token", &Created::token);
    d.field("secret", &Created::secret);
  }
};

/// ... as it is shown.
struct Shown {
  std::string id{}, owner{};
  Moment expires_at_ms{};
  std::string secret{};
  static void describe(Description<Shown>& d) {
    d.field("id", &Shown::id);
    d.field("owner", &Shown::owner);
    d.field("expires_at_ms", &Shown::expires_at_ms);
    d.field("secret", &Shown::secret);
  }
};

Result<void> show_created(std::string_view json, OutputFormat format, Terminal& terminal) {
  if (is_document(format)) return print_document(json, format, terminal), Result<void>();
  auto created = from_answer<Created>(json);
  if (!created) return forward_error(created);
  const TokenRow made = created->key ? *created->key : created->token.value_or(TokenRow());
  print_object(Shown{.id = made.id, .owner = made.owner, .expires_at_ms = made.expires_at_ms, .secret = created->secret}, format, terminal);
  terminal.note("The secret is shown now and never again.");
  return {};
}

// list

struct ListOptions : AdminFlags {
  std::string owner{};
  static void describe(Description<ListOptions>& d) {
    d.field("owner", &ListOptions::owner).doc("only those of this user");
    d.inherit<AdminFlags>();
  }
};

Exit list_keys(Arguments<ListOptions>& given, Terminal& terminal) {
  return list_from_admin<KeyRow>(given.options, terminal, {.route = "/v1/keys", .member = "keys", .owner = given.options.owner},
                                 {.none = "There are no access keys."});
}

Exit list_tokens(Arguments<ListOptions>& given, Terminal& terminal) {
  return list_from_admin<TokenRow>(given.options, terminal, {.route = "/v1/tokens", .member = "tokens", .owner = given.options.owner},
                                   {.none = "There are no tokens."});
}

// add

struct AddKeyOptions : AdminFlags {
  std::string doc{};
  uint32_t expires_in = 0;
  static void describe(Description<AddKeyOptions>& d) {
    d.field("doc", &AddKeyOptions::doc).doc("what it is for");
    d.field("expires_in", &AddKeyOptions::expires_in).range(0, 36'500).unit("days").doc("0: never");
    d.inherit<AdminFlags>();
  }
};

struct AddTokenOptions : AddKeyOptions {
  std::vector<std::string> role{};
  static void describe(Description<AddTokenOptions>& d) {
    d.field("role", &AddTokenOptions::role).doc("one of its owner's roles that it stands for; may be repeated; without one it stands for all");
    d.inherit<AddKeyOptions>();
  }
};

void fill(api::NewKeyRequest& made, const std::string& owner, const AddKeyOptions& options) {
  made.owner = owner;
  made.doc = options.doc;
  made.expires_in_days = options.expires_in;
}

Exit create(const AdminFlags& flags, Terminal& terminal, std::string_view route, const std::string& arguments) {
  return ask_admin(flags, terminal, {.verb = "POST", .route = route, .arguments = arguments, .secret = true},
                   [&](std::string_view json) { return show_created(json, flags.output, terminal); });
}

Exit add_key(Arguments<AddKeyOptions>& given, Terminal& terminal) {
  api::NewKeyRequest key;
  fill(key, given.positional[0], given.options);
  return create(given.options, terminal, "/v1/keys", arguments_of(key));
}

Exit add_token(Arguments<AddTokenOptions>& given, Terminal& terminal) {
  api::NewTokenRequest token;
  fill(token, given.positional[0], given.options);
  token.roles = given.options.role;
  return create(given.options, terminal, "/v1/tokens", arguments_of(token));
}

// remove

Exit remove(const Arguments<AdminFlags>& given, Terminal& terminal, std::string_view route) {
  return ask_admin(given.options, terminal, {.verb = "DELETE", .route = route, .arguments = arguments_of(api::ById{given.positional[0]})},
                   [](std::string_view) { return Result<void>(); });
}
Exit remove_key(Arguments<AdminFlags>& given, Terminal& terminal) { return remove(given, terminal, "/v1/keys/{id}"); }
Exit remove_token(Arguments<AdminFlags>& given, Terminal& terminal) { return remove(given, terminal, "/v1/tokens/{id}"); }

}  // namespace

Command key_list_command() { return command<ListOptions, list_keys>({.group = &kKeyCommands, .name = "list", .summary = "lists the access keys"}); }
Command key_add_command() {
  return command<AddKeyOptions, add_key>({.group = &kKeyCommands,
                                          .name = "add",
                                          .usage = "OWNER",
                                          .summary = "makes an access key of a user, and shows its secret this once",
                                          .least = 1,
                                          .most = 1});
}
Command key_remove_command() {
  return command<AdminFlags, remove_key>(
      {.group = &kKeyCommands, .name = "remove", .usage = "ID", .summary = "revokes an access key", .least = 1, .most = 1});
}
Command token_list_command() { return command<ListOptions, list_tokens>({.group = &kTokenCommands, .name = "list", .summary = "lists the tokens"}); }
Command token_add_command() {
  return command<AddTokenOptions, add_token>({.group = &kTokenCommands,
                                              .name = "add",
                                              .usage = "OWNER",
                                              .summary = "makes a token of a user, and shows it this once",
                                              .least = 1,
                                              .most = 1});
}
Command token_remove_command() {
  return command<AdminFlags, remove_token>(
      {.group = &kTokenCommands, .name = "remove", .usage = "ID", .summary = "revokes a token", .least = 1, .most = 1});
}

}  // namespace sofa::tool
