#pragma once
// What stands in the bodies of Hessian frames: calls, answers, events and the sentences of error answers (docs/protocols/dubbo.md, sections 2 and 3).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::dubbo {

/// The version of the protocol that both sides name.
inline constexpr std::string_view kVersion = "2.0.2";
/// What stands for "no version" of a service.
inline constexpr std::string_view kNoVersion = "0.0.0";

/// Text pairs in their order; of equal keys the last counts.
using Attachments = std::vector<std::pair<std::string, std::string>>;
/// The value under a key, or null.
const std::string* find_in(const Attachments& attachments, std::string_view key);

/// Readers and writers of Dubbo's dialect.
hessian::ReaderOptions reader_options();
hessian::WriterOptions writer_options();

/// What says where a call goes.
struct CallHead {
  std::string dubbo_version{kVersion};
  std::string path;     ///< the service: an interface name, as a rule
  std::string version;  ///< of the service; kNoVersion or empty: none
  std::string method;
  std::string parameter_types;  ///< one JVM descriptor after another; empty: no arguments
};

/// A call, but for its arguments: those stand in [arguments_at, arguments_end) of the body, as a stream of their own.
struct Call : CallHead {
  size_t arguments_at = 0;
  size_t arguments_end = 0;
  Attachments attachments;  ///< numbers and booleans as text; what is neither they nor text is left out
};

/// Bounds of a call or an answer beside those of its frame.
struct BodyLimits {
  size_t max_name = 1024;        ///< bytes of the path, the method, a version
  size_t max_descriptor = 8192;  ///< bytes of the parameter types
  size_t max_attachments = 512;  ///< pairs
};

/// Reads the body of a request that is no event. The arguments are skipped, not kept. Errors: invalid_argument for bytes that are no such body, with
/// the field; resource_exhausted past a limit.
Result<Call> read_call(ByteSpan body, const BodyLimits& limits = {});
/// The first part of a call's body. The arguments follow, as many values as the descriptor names, by the same writer, then write_attachments.
void write_call_head(hessian::Writer& writer, const CallHead& head);
/// Behind the arguments: the map of attachments, always there, also when it is empty.
void write_attachments(hessian::Writer& writer, const Attachments& attachments);

/// What an answer with status ok holds. The last three carry attachments, and are for callers that know them.
enum class AnswerKind : uint8_t {
  exception = 0,
  value = 1,
  null_value = 2,
  exception_with_attachments = 3,
  value_with_attachments = 4,
  null_value_with_attachments = 5,
};
inline bool is_exception(AnswerKind kind) { return kind == AnswerKind::exception || kind == AnswerKind::exception_with_attachments; }
inline bool has_attachments(AnswerKind kind) { return kind >= AnswerKind::exception_with_attachments; }
/// The same kind with attachments or without.
AnswerKind kind_for(AnswerKind kind, bool attachments);
/// Whether a caller that named this Dubbo version reads attachments of answers (docs/protocols/dubbo.md, section 3).
bool takes_answer_attachments(std::string_view dubbo_version);

struct Answer {
  AnswerKind kind = AnswerKind::null_value;
  size_t value_at = 0;  ///< where the value or exception begins in the body; the end of it for a null
  size_t value_end = 0;
  Attachments attachments;
};
/// Reads the body of an answer with status ok. Errors as read_call.
Result<Answer> read_answer(ByteSpan body, const BodyLimits& limits = {});
/// The value or Throwable follows, then attachments, both as the kind says.
void write_answer_kind(hessian::Writer& writer, AnswerKind kind);

/// The sentence of an answer with another status; empty when the body is no text.
std::string read_sentence(ByteSpan body);
void write_sentence(Buffer& out, std::string_view sentence);

/// Bodies of events (docs/protocols/dubbo.md, section 4).
enum class Event : uint8_t {
  heartbeat,  ///< null, or anything that is none of the others
  readonly,   ///< the sender goes away: send it nothing new
  writeable,  ///< it is back
};
Event read_event(ByteSpan body);
/// The body of an event, in Hessian.
ByteSpan event_body(Event event);

}  // namespace sofa::dubbo
