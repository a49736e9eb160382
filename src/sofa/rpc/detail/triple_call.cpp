#include "sofa/rpc/detail/triple_call.h"

#include <algorithm>

#include "sofa/rpc/exception.h"
#include "sofa/rpc/triple_id.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kDefaultVersion = "1.0";

/// An error as SOFARPC's Triple tells it: an exception is UNKNOWN with its message.
Error triple_error(Error error) {
  const auto* thrown = error.detail<JavaException>();
  if (thrown == nullptr) return error;
  return Error(Code::unknown, thrown->message.value_or(thrown->class_name));
}

}  // namespace

TripleCall::TripleCall(grpc::UnaryCall& call, TripleRequest request, const MethodEntry& entry, ShardServer& shard, CallTimer timer)
    : UnaryGrpcCall(call, entry, shard, std::move(timer)), request_(std::move(request)) {}

Result<void> TripleCall::parse(void* const* into) const {
  const MethodShape& shape = entry_.method->shape();
  if (request_.arguments.size() != shape.arguments.size()) {
    return fail(Code::invalid_argument, "{}.{} takes {} arguments, {} came", entry_.service, entry_.method->name(), shape.arguments.size(),
                request_.arguments.size());
  }
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    const std::string label = fmt::format("argument {} of {}", i + 1, entry_.method->name());
    const auto* classes = &shard_.options().classes;
    if (auto done = read_triple_value(request_.serializer, request_.arguments[i], shape.arguments[i], into[i], label, classes); !done) return done;
  }
  return {};
}

Result<void> TripleCall::write(Buffer& out, const void* result) const {
  return write_triple_result(out, request_.serializer, entry_.method->shape().result, result);
}

void TripleCall::answer_error(Error error) {
  const auto* thrown = error.detail<JavaException>();
  if (thrown == nullptr || !is_dubbo()) return call_.answer(triple_error(std::move(error)));
  call_.add_header(kTripleExceptionHeader, kTripleBusinessException);
  call_.answer_with([&](Buffer& out) { return write_triple_exception(out, entry_.method->shape().result, *thrown); });
}

void TripleCall::send_header(std::string_view name, std::string_view value) {
  if (is_dubbo()) return call_.add_trailer(name, value);
  call_.add_header(name, value);
}

Error TripleMessages::told(Error error) const { return triple_error(std::move(error)); }

Result<void> TripleMessages::decode(ByteSpan bytes, void* into) {
  auto request = read_triple_request(bytes);
  if (!request) return forward_error(request);
  if (request->arguments.size() != 1) {
    return fail(Code::invalid_argument, "a message of {} holds {} arguments; a method that streams has one", entry_.method->name(),
                request->arguments.size());
  }
  serializer_ = request->serializer;
  return read_triple_value(serializer_, request->arguments[0], entry_.method->shape().arguments[0], into,
                           fmt::format("a message of {}", entry_.method->name()), &shard_.options().classes);
}

Result<void> TripleMessages::encode(Buffer& out, const void* message) {
  return write_triple_result(out, serializer_, entry_.method->shape().result, message, TripleTypes::boxed);
}

Result<void> TripleClientMessages::decode(ByteSpan bytes, void* into) {
  auto response = read_triple_response(bytes);
  if (!response) return forward_error(response);
  return read_triple_value(response->serializer, response->data, method().shape.result, into, fmt::format("a message of {}", method().name),
                           &options().classes);
}

Result<void> TripleClientMessages::encode(Buffer& out, const void* message) {
  return write_triple_arguments(out, serializer_, method().shape, method().signatures(), std::span(&message, 1));
}

void TripleRoute::add(size_t index, const MethodEntry& entry) {
  const UniqueNameParts name = split_unique_name(entry.service);
  candidates_.push_back({.index = index, .entry = &entry, .version = name.version, .unique_id = name.unique_id});
}

Result<std::string_view> TripleRoute::find_service(const http::Headers& headers) const {
  const std::string_view version = headers.get_or(TripleId::kVersionHeader);
  const std::string_view group = headers.get_or(TripleId::kGroupHeader);
  const auto first = [this](auto fits) {
    const auto found = std::ranges::find_if(candidates_, [&](const Candidate& candidate) { return candidate.entry->is_there() && fits(candidate); });
    return found == candidates_.end() ? std::string_view() : std::string_view(found->entry->service);
  };
  const auto only = [this, first](auto fits) {
    const std::string_view found = first(fits);
    const auto is_other = [&](const Candidate& candidate) {
      return candidate.entry->service != found && candidate.entry->is_there() && fits(candidate);
    };
    return std::ranges::any_of(candidates_, is_other) ? std::string_view() : found;
  };
  std::string_view service;
  if (group.empty()) {
    service = first([version](const Candidate& candidate) { return candidate.version == kDefaultVersion && candidate.unique_id == version; });
    if (service.empty()) service = only([version](const Candidate& candidate) { return candidate.unique_id == version; });
  }
  if (service.empty() && !(version.empty() && group.empty())) {
    const std::string_view meant = version.empty() || version == "0.0.0" ? kDefaultVersion : version;
    service = first([meant, group](const Candidate& candidate) { return candidate.version == meant && candidate.unique_id == group; });
  }
  if (service.empty() && version.empty() && group.empty()) service = only([](const Candidate&) { return true; });
  if (!service.empty()) return service;
  const std::string_view known = candidates_.front().entry->service;
  return fail(Code::unimplemented, "no service {} with tri-service-version '{}' and tri-service-group '{}' is served here",
              known.substr(0, known.find(':')), version, group);
}

Result<size_t> TripleRoute::find_method(std::string_view service, const TripleRequest& request) const {
  std::string key;
  for (const std::string_view type : request.types) append_signature(key, jvm_signature(type));
  std::optional<size_t> by_count;
  for (const Candidate& candidate : candidates_) {
    if (candidate.entry->service != service) continue;
    if (!request.types.empty() || request.arguments.empty()) {
      if (candidate.entry->signatures == key) return candidate.index;
    } else if (candidate.entry->method->shape().arguments.size() == request.arguments.size()) {
      if (by_count)
        return fail(Code::unimplemented, "{} has several methods of {} arguments; argTypes must say which", service, request.arguments.size());
      by_count = candidate.index;
    }
  }
  if (by_count) return *by_count;
  return fail(Code::unimplemented, "service {} has no method {}({})", service, candidates_.front().entry->method->name(),
              fmt::join(request.types, ", "));
}

size_t TripleRoute::find_only(std::string_view service) const {
  return std::ranges::find(candidates_, service, [](const Candidate& candidate) -> std::string_view { return candidate.entry->service; })->index;
}

}  // namespace sofa::rpc::detail
