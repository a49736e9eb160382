#include "sofa/rpc/detail/dubbo_service.h"

#include "sofa/base/text.h"
#include "sofa/rpc/detail/dubbo_text.h"
#include "sofa/wire/dubbo/descriptor.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kEcho = "$echo";
constexpr size_t kMaxHeaderPairs = 2048;  // of the header map made from the attachments: more than those can be

std::string text_in(const dubbo::Attachments& attachments, std::string_view key) {
  const std::string* found = dubbo::find_in(attachments, key);
  return found == nullptr ? std::string() : *found;
}

bool is_generic(const dubbo::Call& call) {
  return (call.method == "$invoke" || call.method == "$invokeAsync") &&
         call.parameter_types == "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
}

/// What a request that cannot become a call is told.
struct Unfit {
  std::string sentence;
};
template <class T>
using Fit = std::expected<T, Unfit>;

template <class... Args>
std::unexpected<Unfit> unfit(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Unfit{fmt::format(format, std::forward<Args>(args)...)});
}

std::unexpected<Unfit> no_method(std::string_view service, std::string_view method, std::span<const std::string> types) {
  return unfit("service {} has no method {}({})", service, method, fmt::join(types, ", "));
}

/// The service of a request, by its unique name.
Fit<std::string> find_service(const ServiceTable& services, const dubbo::Call& call) {
  std::string name = dubbo_service_name(services, call);
  if (!name.empty()) return name;
  const std::string group = text_in(call.attachments, "group");
  return unfit("no service {}{}{}:{} is exported here; path, version and group must match", group, group.empty() ? "" : "/", call.path, call.version);
}

Fit<const MethodEntry*> find_typed(const ServiceTable& services, const std::string& service, const dubbo::Call& call) {
  const auto types = dubbo::parse_descriptor(call.parameter_types);
  if (!types) return unfit("{}", types.error().message());
  std::string key;
  for (const std::string& type : *types) append_signature(key, type);
  const MethodEntry* entry = services.find(service, call.method, key);
  if (entry == nullptr) return no_method(service, call.method, *types);
  return entry;
}

/// Takes the three arguments of a `$invoke` apart and finds the method that they name.
Fit<const MethodEntry*> find_generic(const ServiceTable& services, const std::string& service, DubboRequestParts& parts,
                                     const hessian::ClassFilter& classes) {
  const std::string kind = text_in(parts.call.attachments, "generic");
  const auto form = dubbo_form(kind);
  if (!form) {
    return unfit("generic calls of kind '{}' are not served here; use true, raw.return, bean, gson or protobuf-json", kind);
  }
  parts.form = *form;
  auto options = dubbo::reader_options();
  options.filter = &classes;
  options.arena = std::make_shared<Arena>();
  parts.arena = options.arena;
  hessian::Reader reader(parts.body.span().first(parts.call.arguments_end).subspan(parts.call.arguments_at), options);
  auto method = reader.read<std::string>("method");
  if (!method) return unfit("{}", method.error().message());
  auto types = reader.read<std::vector<std::string>>("parameter types");
  if (!types) return unfit("{}", types.error().message());
  auto arguments = reader.read_value("arguments");
  if (!arguments) return unfit("{}", arguments.error().message());
  if (const hessian::List* list = arguments->list()) parts.arguments.assign(list->items.begin(), list->items.end());

  const MethodEntry* entry = nullptr;
  std::string key;
  for (const std::string& type : *types) append_signature(key, jvm_signature(type));
  entry = services.find(service, *method, key);
  // Messages of protobuf have no overloads, and no Java names here.
  if (entry == nullptr && (types->empty() || parts.form == DubboForm::protobuf_json))
    entry = services.find_by_count(service, *method, parts.arguments.size());
  if (entry == nullptr) return no_method(service, *method, *types);
  if (entry->method->shape().arguments.size() != parts.arguments.size()) {
    return unfit("{}.{} takes {} arguments, {} came", service, *method, entry->method->shape().arguments.size(), parts.arguments.size());
  }
  return entry;
}

/// `$echo`: the argument's own bytes, which are a stream of their own.
void answer_echo(const DubboRequestParts& parts, transport::DubboResponder& responder) {
  const dubbo::Call& call = parts.call;
  const ByteSpan argument = parts.body.span().subspan(call.arguments_at, call.arguments_end - call.arguments_at);
  responder.answer_with([&](Buffer& out) {
    return write_dubbo_answer(out, false, call, {{"dubbo", std::string(dubbo::kVersion)}},
                              [&](hessian::Writer&) {
                                out.append(argument);
                                return Result<void>();
                              })
        .has_value();
  });
}

Deadline deadline_of(const dubbo::Call& call, Instant arrival) {
  const auto milliseconds = whole_number<uint64_t>(text_in(call.attachments, "timeout"));
  if (!milliseconds || *milliseconds == 0 || *milliseconds >= INT32_MAX) return kNoDeadline;
  return arrival + std::chrono::milliseconds(*milliseconds);
}

void fill_context(DubboServerCall& call, const DubboRequestParts& parts, const transport::DubboResponder& responder, const MethodEntry& entry,
                  Deadline deadline) {
  const auto headers = bolt::HeaderMap::parse(parts.headers.span(), kMaxHeaderPairs);
  ServerCallAccess::fill(call.context(), entry.service, entry.method->name(), responder.session().peer(), deadline, responder.oneway(),
                         headers.value_or(bolt::HeaderMap()));
}

}  // namespace

std::string dubbo_service_name(const ServiceTable& services, const dubbo::Call& call) {
  const std::string group = text_in(call.attachments, "group");
  const bool versioned = !call.version.empty() && call.version != dubbo::kNoVersion;
  std::string name = unique_name(call.path, {versioned ? call.version : "1.0", group});
  return services.has_service(name) ? name : std::string();
}

void DubboService::handle(transport::DubboRequest& request, transport::DubboResponder& responder) {
  ShardServer& server = shard_server_();
  Counters& counters = server.counters();
  const auto refuse = [&](std::string_view sentence) {
    counters.refused.add();
    responder.answer_error(dubbo::Status::bad_request, sentence);
  };
  DubboRequestParts parts;
  parts.body = request.frame.body;
  auto call = dubbo::read_call(parts.body);
  if (!call) return refuse(fmt::format("the request cannot be read: {}", call.error()));
  parts.call = std::move(*call);
  const auto service = find_service(server.services(), parts.call);
  if (!service) return refuse(service.error().sentence);
  if (parts.call.method == kEcho) return answer_echo(parts, responder);
  const auto entry = is_generic(parts.call) ? find_generic(server.services(), *service, parts, server.options().classes)
                                            : find_typed(server.services(), *service, parts.call);
  if (!entry) return refuse(entry.error().sentence);

  counters.calls.add();
  write_dubbo_headers(parts);
  const Deadline deadline = deadline_of(parts.call, request.arrival);
  CallTimer timer = server.begin_call(**entry, CallProtocol::dubbo, text_in(parts.call.attachments, "remote.application"));
  if (!server.needs_task(**entry)) {
    DubboServerCall now(parts, responder, **entry, server, json_, std::move(timer));
    fill_context(now, parts, responder, **entry, deadline);
    return ShardServer::serve_now(now, **entry);
  }
  auto place = server.take_place();
  if (!place) {
    timer.end(Code::resource_exhausted);
    return responder.answer_error(dubbo::Status::threadpool_exhausted, kFull);
  }
  server.spawn(run(server, std::move(*place), std::make_unique<DubboRequestParts>(std::move(parts)), std::move(responder), **entry, deadline,
                   std::move(timer)));
}

Task<void> DubboService::run(ShardServer& server, [[maybe_unused]] CallsOfShard::Place place, std::unique_ptr<DubboRequestParts> parts,
                             transport::DubboResponder responder, const MethodEntry& entry, Deadline deadline, CallTimer timer) {
  // The responder keeps the session, and with it the parent of this scope.
  io::Scope scope(&responder.session().scope(), nullptr, deadline);
  DubboServerCall call(*parts, responder, entry, server, json_, std::move(timer));
  fill_context(call, *parts, responder, entry, deadline);
  co_await server.serve(call, entry, scope);
}

Task<std::string> DubboService::command(std::string line, const io::Address& peer) {
  return run_text_command(shard_server_(), std::move(line), peer);
}

}  // namespace sofa::rpc::detail
