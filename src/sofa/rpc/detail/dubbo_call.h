#pragma once
// A Dubbo request whose method is known: reads its arguments and writes its answer, typed or in a generic form.

#include <memory>
#include <string>
#include <vector>

#include "sofa/rpc/detail/dubbo_generic.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/transport/dubbo_session.h"
#include "sofa/wire/dubbo/body.h"

namespace sofa::rpc::detail {

/// What a request asks for.
struct DubboRequestParts {
  dubbo::Call call;
  Bytes body;                             // of the frame
  Buffer headers;                         // the attachments as a header map: what Context shows
  DubboForm form = DubboForm::typed;      // of a `$invoke` by its attachment
  std::vector<hessian::Value> arguments;  // of a `$invoke`
  std::shared_ptr<Arena> arena;           // of those
};

/// Fills `headers` from the attachments: each under its own key, those of the user also as request baggage, the caller's name as "app", the trace
/// context entry by entry.
void write_dubbo_headers(DubboRequestParts& parts);

class DubboServerCall final : public ServerCall {
 public:
  /// `json` (null: none) knows the messages of protobuf.
  DubboServerCall(DubboRequestParts& parts, transport::DubboResponder& responder, const MethodEntry& entry, ShardServer& server,
                  const grpc::JsonCodec* json, CallTimer timer)
      : ServerCall(std::move(timer)),
        parts_(parts),
        responder_(responder),
        entry_(entry),
        classes_(server.options().classes),
        counters_(server.counters()),
        json_(json) {}

  Context& context() override { return context_; }

 private:
  /// An argument that cannot be read is a request that cannot be read: status 40 with a sentence.
  bool read(void* const* into) override;
  std::optional<Code> send(const void* result) override;
  /// The exception that the service threw; a plain error is a java.lang.RuntimeException with its sentence.
  std::optional<Code> send(Error error) override;
  bool too_late();
  Result<void> read_content(void* const* into) const;
  Result<void> read_generic(size_t index, const Type& type, void* into) const;
  Result<void> read_protobuf_json(void* message) const;
  Result<void> write_protobuf_json(hessian::Writer& writer, const void* message) const;
  Result<void> write_result(Buffer& out, const void* result) const;
  Result<void> write_generic(hessian::Writer& writer, const Type& type, const void* result) const;
  dubbo::Attachments attachments() const;

  DubboRequestParts& parts_;
  transport::DubboResponder& responder_;
  const MethodEntry& entry_;
  const hessian::ClassFilter& classes_;
  Counters& counters_;
  const grpc::JsonCodec* const json_;
  Context context_;
};

/// Writes an answer: the kind, then what `write_value` appends, then attachments if the caller knows them. A value that is a null becomes the kind
/// null.
template <class F>
Result<void> write_dubbo_answer(Buffer& out, bool exception, const dubbo::Call& call, const dubbo::Attachments& attachments, F write_value) {
  const bool more = dubbo::takes_answer_attachments(call.dubbo_version);
  const size_t begin = out.size();
  hessian::Writer writer(out, dubbo::writer_options());
  dubbo::write_answer_kind(writer, dubbo::kind_for(exception ? dubbo::AnswerKind::exception : dubbo::AnswerKind::value, more));
  const size_t value_at = out.size();
  if (auto done = write_value(writer); !done) return done;
  if (!exception && as_text(out.span().subspan(value_at)) == "N") {
    out.truncate(begin);
    dubbo::write_answer_kind(writer, dubbo::kind_for(dubbo::AnswerKind::null_value, more));
  }
  if (more) dubbo::write_attachments(writer, attachments);
  return {};
}

}  // namespace sofa::rpc::detail
