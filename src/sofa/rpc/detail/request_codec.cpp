#include "sofa/rpc/detail/request_codec.h"

#include "sofa/base/text.h"
#include "sofa/rpc/detail/trace_context.h"

namespace sofa::rpc::detail {

namespace {

using namespace std::string_view_literals;

// The class definition and the head of the object, as all known writers lay them out: the field order is Java's (section 2.2).
constexpr std::string_view kRequestPrefix =
    "O\xbc"
    "com.alipay.sofa.rpc.core.request.SofaRequest"
    "\x95"
    "\x0d"
    "targetAppName"
    "\x0a"
    "methodName"
    "\x17"
    "targetServiceUniqueName"
    "\x0c"
    "requestProps"
    "\x0d"
    "methodArgSigs"
    "o\x90"sv;
constexpr std::string_view kSignatureList = "Vt\0\7[stringn"sv;
constexpr unsigned kMaxPropertyDepth = 8;  // of nested maps in requestProps for the quick reader

const hessian::ObjectClass& request_class() {
  static constexpr std::string_view kFields[] = {"targetAppName", "methodName", "targetServiceUniqueName", "requestProps", "methodArgSigs"};
  static const hessian::ObjectClass kClass{kRequestClass, kFields};
  return kClass;
}

bool is_ascii(std::string_view text) {
  uint8_t all = 0;
  for (char c : text) all |= static_cast<uint8_t>(c);
  return all < 0x80;
}

/// Walks over the few value forms that a request head is made of. Everything else makes it give up, and the general reader takes over.
class QuickReader {
 public:
  explicit QuickReader(ByteSpan input) : begin_(input.data()), at_(input.data()), end_(input.data() + input.size()) {}

  bool expect(std::string_view bytes) {
    if (left() < bytes.size() || std::memcmp(at_, bytes.data(), bytes.size()) != 0) return false;
    at_ += bytes.size();
    return true;
  }
  bool peek(char tag) const { return left() > 0 && *at_ == static_cast<uint8_t>(tag); }
  /// An ASCII string in one piece: bytes and UTF-16 units are the same.
  bool string(std::string_view& out) {
    if (left() == 0) return false;
    size_t size = *at_;
    size_t head = 1;
    if (size == 'S') {
      if (left() < 3) return false;
      size = load_be<uint16_t>(at_ + 1);
      head = 3;
    } else if (size > 0x1f) {
      return false;
    }
    if (left() < head + size) return false;
    out = {reinterpret_cast<const char*>(at_ + head), size};
    at_ += head + size;
    return is_ascii(out);
  }
  bool skip_string_or_null() {
    std::string_view ignored;
    return skip_null() || string(ignored);
  }
  bool skip_null() {
    if (!peek('N')) return false;
    ++at_;
    return true;
  }
  /// Text keys; text, booleans, null and further maps as values.
  bool skip_map(unsigned depth = 0) {
    if (skip_null()) return true;
    if (!peek('M') || depth == kMaxPropertyDepth) return false;
    ++at_;
    while (!peek('z')) {
      std::string_view key;
      if (!string(key)) return false;
      if (peek('M')) {
        if (!skip_map(depth + 1)) return false;
      } else if (peek('T') || peek('F')) {
        ++at_;
      } else if (!skip_string_or_null()) {
        return false;
      }
    }
    ++at_;
    return true;
  }
  bool byte(uint8_t& out) {
    if (left() == 0) return false;
    out = *at_++;
    return true;
  }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

 private:
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace

std::string jvm_signature(std::string_view signature) {
  size_t dimensions = 0;
  while (signature.ends_with("[]")) {
    signature.remove_suffix(2);
    ++dimensions;
  }
  if (dimensions == 0) return std::string(signature);
  static constexpr std::pair<std::string_view, char> kPrimitives[] = {{"boolean", 'Z'}, {"byte", 'B'}, {"char", 'C'},  {"short", 'S'},
                                                                      {"int", 'I'},     {"long", 'J'}, {"float", 'F'}, {"double", 'D'}};
  std::string jvm(dimensions, '[');
  for (auto [name, letter] : kPrimitives) {
    if (signature == name) return jvm += letter;
  }
  return jvm.append("L").append(signature).append(";");
}

void append_signature(std::string& key, std::string_view signature) { key.append(signature).append(";;"); }

std::string_view take_signature(std::string_view& key) {
  size_t size = key.find(";;");
  if (size == std::string_view::npos) return std::exchange(key, {});  // what a caller made up
  if (key.substr(size).starts_with(";;;")) ++size;                    // "[Ljava.lang.String;" ends with a semicolon of its own
  const std::string_view signature = key.substr(0, size);
  key.remove_prefix(size + 2);
  return signature;
}

std::string jvm_signatures(std::string_view key) {
  std::string jvm;
  while (!key.empty()) {
    append_signature(jvm, jvm_signature(take_signature(key)));
  }
  return jvm;
}

Result<void> RequestHead::read(ByteSpan content, const hessian::ClassFilter* classes) {
  if (recognise(content)) return {};
  key_size_ = 0;
  at_ = {};
  return read_slowly(content, classes);
}

bool RequestHead::add_signature(std::string_view signature) {
  if (key_size_ + signature.size() + 2 > kMaxKey) return false;
  std::memcpy(key_ + key_size_, signature.data(), signature.size());
  key_size_ += signature.size();
  key_[key_size_++] = ';';
  key_[key_size_++] = ';';
  return true;
}

bool RequestHead::recognise(ByteSpan content) {
  QuickReader in(content);
  if (!in.expect(kRequestPrefix) || !in.skip_string_or_null() || !in.string(method_)) return false;
  if (!in.skip_null() && !in.string(service_)) return false;
  if (!in.skip_map() || !in.expect(kSignatureList)) return false;
  uint8_t count = 0;
  if (!in.byte(count)) return false;
  for (unsigned i = 0; i < count; ++i) {
    std::string_view signature;
    if (!in.string(signature) || !add_signature(signature)) return false;
  }
  if (!in.expect("z")) return false;
  at_.offset = in.offset();
  return true;
}

namespace {

/// The fields of a SofaRequest in any order; null for those that the caller does not need.
Result<void> read_fields(hessian::Reader& reader, std::string* method, std::string* service, std::vector<std::string>* signatures) {
  auto head = reader.begin_object("SofaRequest");
  if (!head) return forward_error(head);
  if (head->class_name != kRequestClass) {
    return fail(Code::invalid_argument, "the content is an object of '{}', expected {}", head->class_name, kRequestClass);
  }
  for (std::string_view field : head->fields) {
    Result<void> done;
    if (field == "methodName" && method != nullptr) {
      done = reader.read(type_of<std::string>(), method, "SofaRequest.methodName");
    } else if (field == "targetServiceUniqueName" && service != nullptr) {
      done = reader.read(type_of<std::string>(), service, "SofaRequest.targetServiceUniqueName");
    } else if (field == "methodArgSigs" && signatures != nullptr) {
      done = reader.read(type_of<std::vector<std::string>>(), signatures, "SofaRequest.methodArgSigs");
    } else {
      done = reader.skip("SofaRequest");
    }
    if (!done) return done;
  }
  return {};
}

Result<void> read_values(hessian::Reader& reader, const MethodShape& shape, void* const* into, std::string_view method) {
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    if (auto done = reader.read(*shape.arguments[i].type, into[i]); !done) {
      return fail(done.error().code(), "argument {} of {}: {}", i + 1, method, done.error());
    }
  }
  return reader.expect_end();
}

}  // namespace

Result<void> RequestHead::read_slowly(ByteSpan content, const hessian::ClassFilter* classes) {
  hessian::Reader reader(content, {.filter = classes});
  std::vector<std::string> signatures;
  if (auto done = read_fields(reader, &slow_method_, &slow_service_, &signatures); !done) return done;
  method_ = slow_method_;
  service_ = slow_service_;
  for (const std::string& signature : signatures) {
    if (!add_signature(signature)) {
      return fail(Code::resource_exhausted, "SofaRequest.methodArgSigs is longer than {} bytes, the limit for one call", kMaxKey);
    }
  }
  return {};
}

Result<void> read_arguments(ByteSpan content, ArgumentsAt at, const MethodShape& shape, void* const* into, std::string_view method,
                            const hessian::ClassFilter* classes) {
  if (shape.arguments.empty()) return {};
  if (at.offset != 0 && shape.plain_arguments) {
    hessian::Reader reader(content.subspan(at.offset), {.filter = classes});
    return read_values(reader, shape, into, method);
  }
  hessian::Reader reader(content, {.filter = classes});  // the arguments may refer to objects, classes and types of the request before them
  if (auto done = read_fields(reader, nullptr, nullptr, nullptr); !done) return done;
  return read_values(reader, shape, into, method);
}

void each_property(const OutgoingHead& head, const std::function<void(std::string_view key, std::string_view value)>& add) {
  add("protocol", head.protocol);
  add("type", head.type);
  if (!head.app.empty()) add("app", head.app);
  if (!head.generic_type.empty()) {
    add("sofa_head_generic_type", head.generic_type);
    add("generic.revise", "true");
  }
  if (head.remaining_ms) add(std::string(kRemainingTime), fmt::format("{}", *head.remaining_ms));
  if (head.served != nullptr) {
    each_trace_entry(*head.served, add);
    if (const auto serialized = head.served->headers().find(kSerializedTrace)) add(kSerializedTrace, *serialized);
  }
  if (head.baggage != nullptr) {
    for (const auto& [key, value] : *head.baggage) add(std::string(kRequestBaggage) + key, value);
  }
  if (head.headers != nullptr) {
    for (const auto& [key, value] : *head.headers) add(key, value);
  }
}

void write_request_header(Buffer& out, const OutgoingHead& head) {
  bolt::append_header_pair(out, "sofa_head_target_service", head.service);
  bolt::append_header_pair(out, "service", head.service);
  bolt::append_header_pair(out, "sofa_head_method_name", head.method);
  each_property(head, [&out](std::string_view key, std::string_view value) { bolt::append_header_pair(out, key, value); });
}

namespace {

/// requestProps: the rest of the header's entries, trace context and baggage as maps of their own (section 2.2).
void write_properties(hessian::Writer& writer, const OutgoingHead& head) {
  const auto pair = [&writer](std::string_view key, std::string_view value) {
    writer.write_string(key);
    writer.write_string(value);
  };
  writer.begin_map({});
  if (!head.app.empty()) pair("app", head.app);
  pair("protocol", head.protocol);
  if (head.served != nullptr) {
    bool open = false;
    each_trace_entry(*head.served, [&](std::string_view key, std::string_view value) {
      if (!std::exchange(open, true)) {
        writer.write_string(kTracePrefix.substr(0, kTracePrefix.size() - 1));
        writer.begin_map({});
      }
      pair(key.substr(kTracePrefix.size()), value);
    });
    if (open) writer.end_map();
    if (const auto serialized = head.served->headers().find(kSerializedTrace)) pair(kSerializedTrace, *serialized);
  }
  if (!head.generic_type.empty()) {
    pair("sofa_head_generic_type", head.generic_type);
    pair("generic.revise", "true");
  }
  if (head.baggage != nullptr && !head.baggage->empty()) {
    writer.write_string("rpc_req_baggage");
    writer.begin_map({});
    for (const auto& [key, value] : *head.baggage) pair(key, value);
    writer.end_map();
  }
  pair("type", head.type);
  if (head.headers != nullptr) {
    for (const auto& [key, value] : *head.headers) pair(key, value);
  }
  writer.end_map();
}

void write_request_object(hessian::Writer& writer, const OutgoingHead& head, std::span<const std::string_view> signatures) {
  writer.begin_object(request_class());
  writer.write_null();  // targetAppName
  writer.write_string(head.method);
  writer.write_string(head.service);
  write_properties(writer, head);
  writer.begin_list("[string", signatures.size());
  for (std::string_view signature : signatures) writer.write_string(signature);
  writer.end_list();
}

}  // namespace

Result<void> write_request(Buffer& out, const OutgoingHead& head, std::span<const std::string_view> signatures, const MethodShape& shape,
                           std::span<const void* const> arguments) {
  hessian::Writer writer(out);
  write_request_object(writer, head, signatures);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (auto done = writer.write(*shape.arguments[i].type, arguments[i]); !done) {
      return std::unexpected(std::move(done.error()).wrap(fmt::format("argument {} of {} cannot be written", i + 1, head.method)));
    }
  }
  return {};
}

Result<void> write_generic_request(Buffer& out, const OutgoingHead& head, std::span<const std::string_view> signatures,
                                   std::span<const hessian::Value> arguments) {
  hessian::Writer writer(out);
  write_request_object(writer, head, signatures);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (auto done = writer.write(arguments[i]); !done) {
      return std::unexpected(std::move(done.error()).wrap(fmt::format("argument {} of {} cannot be written", i + 1, head.method)));
    }
  }
  return {};
}

Deadline deadline_after_remaining(std::string_view milliseconds, Instant from) {
  const auto count = whole_number<uint64_t>(milliseconds);
  return count && *count < INT32_MAX ? from + std::chrono::milliseconds(*count) : kNoDeadline;
}

}  // namespace sofa::rpc::detail
