#include "sofa/tool/contexts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "sofa/base/file.h"
#include "sofa/base/json.h"
#include "sofa/base/text.h"
#include "sofa/base/yaml.h"
#include "sofa/tool/call_plan.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

void Context::describe(Description<Context>& d) {
  d.doc("A cluster: where its admin API is, and who asks there.");
  d.field("server", &Context::server).doc("of the admin API: http://HOST:PORT or https://HOST:PORT");
  d.field("token", &Context::token).secret().doc("proves who asks; file:PATH reads it from a file");
  d.field("user", &Context::user).doc("in place of a token, with a password");
  d.field("password", &Context::password).secret().doc("of the user; file:PATH reads it from a file");
  d.field("ca", &Context::ca).doc("a file of authorities (PEM); empty: the system's");
  d.field("certificate", &Context::certificate).doc("a file (PEM) that proves who asks, with key");
  d.field("key", &Context::key).doc("the file of its private key");
  d.field("server_name", &Context::server_name).doc("the name that the server's certificate must have; empty: the host");
  d.field("insecure", &Context::insecure).doc("believe any certificate");
  d.field("allow_plain", &Context::allow_plain).doc("send passwords and tokens without encryption beyond this machine, too");
}

void Contexts::describe(Description<Contexts>& d) {
  d.field("current", &Contexts::current).doc("used without --context and SOFA_CONTEXT; empty: this machine");
  d.field("contexts", &Contexts::contexts);
}

void ContextFlags::describe(Description<ContextFlags>& d) {
  d.field("context", &ContextFlags::context).doc("the cluster, by its name in 'sofa context list'; else SOFA_CONTEXT, else the current one");
}

std::string contexts_path() {
  if (const char* folder = std::getenv("XDG_CONFIG_HOME"); folder != nullptr && *folder != '\0') return std::string(folder) + "/sofa/contexts.yaml";
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.config/sofa/contexts.yaml";
}

namespace {

constexpr size_t kMostBytes = 1 << 20;
constexpr std::string_view kSecretFile = "file:";

Result<void> read_secret(std::string& secret) {
  if (!secret.starts_with(kSecretFile)) return {};
  auto text = read_file(secret.substr(kSecretFile.size()), kMostBytes);
  if (!text) return forward_error(text);
  secret = trimmed(*text, "\r\n");
  return {};
}

}  // namespace

Result<Contexts> load_contexts(const std::string& path) {
  struct stat state{};
  if (stat(path.c_str(), &state) != 0) {
    if (errno == ENOENT) return Contexts();
    return std::unexpected<Error>(errno_error(errno, fmt::format("{} cannot be read", path)));
  }
  if ((state.st_mode & 077) != 0) {
    return fail(Code::permission_denied, "{} holds secrets, and others than its owner may read it; 'chmod 600 {}'", path, path);
  }
  const auto text = read_file(path, kMostBytes);
  if (!text) return std::unexpected<Error>(text.error());
  auto contexts = from_yaml<Contexts>(*text, path);
  if (!contexts) return contexts;
  for (const auto& [name, context] : contexts->contexts) {
    if (auto checked = check_context(name, context); !checked) return std::unexpected<Error>(std::move(checked.error()).wrap(path));
  }
  return contexts;
}

Result<void> save_contexts(const std::string& path, const Contexts& contexts) {
  const auto json = to_json(contexts);
  if (!json) return std::unexpected<Error>(json.error());
  std::error_code code;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (std::filesystem::create_directories(folder, code)) chmod(folder.c_str(), 0700);
  const std::string written = fmt::format("{}.{}", path, getpid());
  auto saved = write_private_file(written, "# Written by 'sofa context'.\n" + yaml_of_json(*json));
  if (saved && rename(written.c_str(), path.c_str()) != 0) {
    saved = std::unexpected<Error>(errno_error(errno, fmt::format("{} cannot be written", path)));
  }
  if (!saved) unlink(written.c_str());
  return saved;
}

Result<void> check_context(std::string_view name, const Context& context) {
  const auto is_plain = [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; };
  if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, is_plain)) {
    return fail(Code::invalid_argument, "\"{}\" cannot be the name of a context: it has 1 to 64 letters, digits, '-', '_' and '.'", name);
  }
  const auto target = Target::parse(context.server);
  if (!target || target->protocol != "http") {
    return fail(Code::invalid_argument, "the server of the context {} must be http://HOST:PORT or https://HOST:PORT, and is \"{}\"", name,
                context.server);
  }
  if (!context.token.empty() && !context.user.empty()) {
    return fail(Code::invalid_argument, "the context {} has a token and a user; one of them proves who asks", name);
  }
  if (context.certificate.empty() != context.key.empty()) {
    return fail(Code::invalid_argument, "the context {} has a certificate without its key, or a key without its certificate", name);
  }
  return {};
}

Result<Context> choose_context(std::string_view name, const std::string& path) {
  auto known = load_contexts(path);
  if (!known) return forward_error(known);
  const char* variable = std::getenv("SOFA_CONTEXT");
  const std::string wanted(!name.empty() ? name : variable != nullptr && *variable != '\0' ? std::string_view(variable) : known->current);
  if (wanted.empty()) return Context();
  const auto found = known->contexts.find(wanted);
  if (found == known->contexts.end()) {
    std::vector<std::string_view> names;
    for (const auto& [other, context] : known->contexts) names.push_back(other);
    const std::string_view near = nearest(wanted, names);
    if (!near.empty()) return fail(Code::not_found, "there is no context \"{}\"; did you mean \"{}\"?", wanted, near);
    return fail(Code::not_found, "there is no context \"{}\"; 'sofa context add {} --server URL' makes it", wanted, wanted);
  }
  Context context = found->second;
  for (std::string* secret : {&context.token, &context.password}) {
    if (auto read = read_secret(*secret); !read) return std::unexpected<Error>(std::move(read.error()).wrap(fmt::format("context {}", wanted)));
  }
  return context;
}

}  // namespace sofa::tool
