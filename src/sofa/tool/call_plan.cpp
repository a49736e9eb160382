#include "sofa/tool/call_plan.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sofa/rpc/interface.h"

namespace sofa::tool {

namespace {

constexpr std::string_view kVerbs[] = {"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"};
constexpr std::string_view kProtocols[] = {"bolt", "dubbo", "tri", "grpc", "http", "h2c", "h2"};

/// The types between the parentheses; a comma inside <> separates no types.
Result<std::vector<JavaType>> parse_types(std::string_view text) {
  std::vector<JavaType> types;
  size_t begin = 0;
  int depth = 0;
  for (size_t at = 0; at <= text.size() && !text.empty(); ++at) {
    const bool ends = at == text.size() || (text[at] == ',' && depth == 0);
    if (at < text.size()) depth += text[at] == '<' ? 1 : text[at] == '>' ? -1 : 0;
    if (!ends) continue;
    auto type = JavaType::parse(text.substr(begin, at - begin));
    if (!type) return forward_error(type);
    types.push_back(std::move(*type));
    begin = at + 1;
  }
  return types;
}

}  // namespace

Result<Target> Target::parse(std::string_view text) {
  Target target{.protocol = "bolt", .address = std::string(text)};
  if (const size_t colon = text.find("://"); colon != std::string_view::npos) {
    target.protocol = text.substr(0, colon);
    target.address = text.substr(colon + 3);
  }
  target.secure = target.protocol == "grpcs" || target.protocol == "https" || target.protocol == "h2";
  if (target.protocol == "grpcs" || target.protocol == "https") target.protocol.pop_back();
  while (target.address.ends_with('/')) target.address.pop_back();
  if (std::ranges::find(kProtocols, target.protocol) == std::end(kProtocols)) {
    return fail(Code::invalid_argument, "'{}' is no protocol that can be called here: use one of {}, grpcs or https, as in bolt://127.0.0.1:12200",
                target.protocol, fmt::join(kProtocols, ", "));
  }
  if (target.address.find(':') == std::string::npos) {
    return fail(Code::invalid_argument, "the target '{}' names no port: write HOST:PORT, as in {}://127.0.0.1:12200", text, target.protocol);
  }
  return target;
}

Result<MethodName> MethodName::parse(std::string_view text) {
  const size_t blank = std::min(text.find(" /"), text.size());
  if (std::ranges::find(kVerbs, text.substr(0, blank)) != std::end(kVerbs) && blank < text.size()) {
    return MethodName{.verb = std::string(text.substr(0, blank)), .method = std::string(text.substr(blank + 1))};
  }
  const size_t open = text.find('(');
  const std::string_view path = text.substr(0, open);
  const size_t cut = path.find('/') != std::string_view::npos ? path.find('/') : path.rfind('.');
  if (cut == std::string_view::npos || cut == 0 || cut + 1 == path.size() || (open != std::string_view::npos && !text.ends_with(')'))) {
    return fail(Code::invalid_argument,
                "'{}' names no method: write SERVICE.METHOD, as in 'com.acme.Hello.hello' or 'com.acme.Hello.hello(String,int)'", text);
  }
  const rpc::UniqueNameParts service = rpc::split_unique_name(path.substr(0, cut));
  MethodName name{
      .service = std::string(service.interface), .method = std::string(path.substr(cut + 1)), .unique_id = std::string(service.unique_id)};
  if (path.substr(0, cut).find(':') != std::string_view::npos) name.version = service.version;
  if (open != std::string_view::npos) {
    auto types = parse_types(text.substr(open + 1, text.size() - open - 2));
    if (!types) return forward_error(types);
    name.types = std::move(*types);
  }
  return name;
}

void TlsFlags::describe(Description<TlsFlags>& d) {
  d.field("tls", &TlsFlags::tls).doc("connect over TLS; so do grpcs://, https:// and each of the flags that follow");
  d.field("ca", &TlsFlags::ca).doc("PEM file of who signs the server's certificate; without one the system's list counts");
  d.field("cert", &TlsFlags::cert).doc("PEM file of a certificate that proves who calls");
  d.field("key", &TlsFlags::key).doc("PEM file of its private key");
  d.field("server_name", &TlsFlags::server_name).doc("name that the server's certificate must have; without one the host of TARGET");
  d.field("insecure", &TlsFlags::insecure).doc("believe any certificate of the server: for tests alone");
}

void CallFlags::describe(Description<CallFlags>& d) {
  d.field("timeout", &CallFlags::timeout)
      .alias("t")
      .range(0, 86'400)
      .unit("seconds")
      .doc("how long an answer may take; 0: 3 seconds, and no bound for a method that streams");
  d.field("header", &CallFlags::header).alias("H").doc("header, or metadata, of the request");
  d.field("baggage", &CallFlags::baggage).alias("b").doc("baggage of the request");
  d.field("proto", &CallFlags::proto).alias("p").doc(".proto file of the service; without one the server's reflection is asked, which Bolt has not");
  d.field("import", &CallFlags::import).alias("I").doc("folder where --proto files and what they import are looked for");
  d.field("app", &CallFlags::app).doc("the application that calls, as the server is told");
  d.inherit<TlsFlags>();
}

Result<CallPlan> make_plan(const std::vector<std::string>& words, const CallFlags& flags) {
  auto target = parse_target(words.at(0), flags);
  if (!target) return forward_error(target);
  auto method = MethodName::parse(words.at(1));
  if (!method) return forward_error(method);
  if (!method->verb.empty() && target->protocol != "http") {
    return fail(Code::invalid_argument, "{} {} is a route of REST: name the server as http://{}, or https://{}", method->verb, method->method,
                target->address, target->address);
  }
  return CallPlan{.target = std::move(*target), .method = std::move(*method), .arguments = words.size() > 2 ? words[2] : "", .flags = flags};
}

Result<Target> parse_target(std::string_view text, const TlsFlags& flags) {
  if (flags.cert.empty() != flags.key.empty()) {
    return fail(Code::invalid_argument, "--cert and --key go together: give the files of a certificate and of its private key");
  }
  const std::pair<std::string_view, const std::string&> files[] = {{"--ca", flags.ca}, {"--cert", flags.cert}, {"--key", flags.key}};
  for (const auto& [flag, file] : files) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) {
      return fail(Code::invalid_argument, "the file '{}' of {} cannot be read: {}", file, flag, std::strerror(errno));
    }
  }
  return Target::parse(text);
}

std::optional<io::TlsClientConfig> TlsFlags::tls_for(const Target& target) const {
  if (!target.secure && !tls && !insecure && ca.empty() && cert.empty() && key.empty() && server_name.empty()) return std::nullopt;
  return io::TlsClientConfig{.ca = ca, .server_name = server_name, .certificate = {.certificate = cert, .key = key}, .verify = !insecure};
}

Duration CallFlags::call_timeout() const { return timeout > 0 ? seconds(timeout) : std::chrono::seconds(3); }

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

}  // namespace sofa::tool
