#include <algorithm>

#include "sofa/http/content_coding.h"
#include "sofa/http/detail/http1_writer.h"
#include "sofa/http/detail/text.h"
#include "sofa/http/filter.h"
#include "sofa/io/shard.h"

namespace sofa::http {

namespace {

constexpr std::string_view kOurs = "br, zstd, gzip, identity";

std::string refusal(std::string_view name, std::string_view accepted) {
  return fmt::format("content-encoding is '{}', which is none of {}", name, accepted);
}

constexpr size_t kPiece = size_t{16} << 10;

/// Kinds of content that get shorter.
bool is_compressible(std::string_view content_type) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  // Streams of messages, each with a compression of its own.
  if (type.starts_with("application/grpc") || type.starts_with("application/connect+")) return false;
  for (const std::string_view ending : {"json", "xml", "javascript", "ecmascript", "x-ndjson", "yaml", "wasm"}) {
    if (type.ends_with(ending)) return true;
  }
  return type.starts_with("text/");
}

/// Compresses what is sent.
class CompressedExchange final : public ExchangeFilter {
 public:
  CompressedExchange(ExchangePtr inner, const ContentCodingOptions& options) : ExchangeFilter(std::move(inner)), options_(options) {}

  Result<void> send_response(int status, const Headers& headers, bool end) override {
    if (status < 200) return inner().send_response(status, headers, end);
    const bool fits = status != 204 && status != 206 && status != 304 && is_compressible(headers.get_or("content-type")) &&
                      !headers.contains("content-encoding") && !headers.has_token("cache-control", "no-transform");
    if (!fits) return inner().send_response(status, headers, end);
    Headers coded = headers;
    coded.add("vary", "accept-encoding");
    const ContentCoding coding = choose_content_coding(request().headers.get_or("accept-encoding"));
    const auto length = detail::content_length(headers);
    if (coding == ContentCoding::identity || end || request().method == "HEAD" || (length && *length < options_.min_size)) {
      return inner().send_response(status, coded, end);
    }
    coded.remove("content-length");
    coded.set("content-encoding", to_string(coding));
    if (const auto tag = headers.get("etag"); tag && !tag->starts_with("W/")) coded.set("etag", fmt::format("W/{}", *tag));
    compressor_ = make_compressor(coding, options_.level);
    return inner().send_response(status, coded, false);
  }

  Result<void> send_data(Bytes data, bool end) override {
    if (compressor_ == nullptr) return inner().send_data(std::move(data), end);
    auto packed = compress(data.span(), end ? Compressor::Flush::end : Compressor::Flush::sync);
    if (!packed) return forward_error(packed);
    return inner().send_data(std::move(*packed), end);
  }

  Result<void> send_trailers(const Headers& trailers) override {
    if (compressor_ == nullptr) return inner().send_trailers(trailers);
    auto last = compress({}, Compressor::Flush::end);
    if (!last) return forward_error(last);
    if (auto sent = inner().send_data(std::move(*last), false); !sent) return sent;
    return inner().send_trailers(trailers);
  }

 private:
  Result<Bytes> compress(ByteSpan data, Compressor::Flush flush) {
    Buffer out;
    if (auto done = compressor_->compress(data, flush, out); !done) return forward_error(done);
    return out.take();
  }

  const ContentCodingOptions& options_;
  std::unique_ptr<Compressor> compressor_;
};

/// Decompresses what comes. At most options.window bytes are decompressed ahead of the handler; the rest waits compressed, in the window of the
/// connection. What goes on after consumed() goes on at the end of the turn, so that no event comes inside a call of the handler.
class DecompressedExchange final : public SinkFilter {
 public:
  DecompressedExchange(ExchangePtr inner, ContentCoding coding, const ContentCodingOptions& options)
      : SinkFilter(std::move(inner)), head_(this->inner().request()), options_(options), decompressor_(make_decompressor(coding)) {
    for (const std::string_view name : {"content-encoding", "content-length"}) head_.headers.remove(name);
  }
  ~DecompressedExchange() override {
    if (alive_ != nullptr) *alive_ = false;
  }

  const RequestHead& request() const override { return head_; }
  void consumed(size_t n) override {
    ahead_ -= std::min(ahead_, n);
    if (alive_ == nullptr) io::Shard::current().at_turn_end(later_);
  }
  /// A handler whose body has failed gives up; the answer that says why is on its way.
  void reset(Reset reason) override {
    if (!answered_) inner().reset(reason);
  }
  Result<void> send_response(int status, const Headers& headers, bool end) override {
    head_sent_ = head_sent_ || status >= 200;
    return inner().send_response(status, headers, end);
  }

 private:
  void on_data(ByteSpan data) override {
    packed_.append(data);
    go_on();
  }
  void on_end(Headers& trailers) override {
    trailers_ = std::move(trailers);
    ended_ = true;
    go_on();
  }
  void on_abort(Error error) override {
    later_.unlink();
    SinkFilter::on_abort(std::move(error));
  }

  // Any event may destroy this object.
  void go_on() {
    bool alive = true;
    alive_ = &alive;
    while (alive && sink_ != nullptr && !done_ && step(alive)) {
    }
    if (alive) alive_ = nullptr;
  }

  /// One piece; false when it waits for input or for the handler, or has ended.
  bool step(const bool& alive) {
    if (ahead_ >= options_.window) return false;
    Buffer piece;
    const size_t before = packed_.size();
    auto done = decompressor_->decompress(packed_, std::min(kPiece, options_.window - ahead_), piece);
    inner().consumed(before - packed_.size());
    if (!done) return give_up(400, done.error());
    total_ += piece.size();
    if (total_ > options_.max_decompressed) {
      return give_up(413, Error(Code::resource_exhausted,
                                fmt::format("the body has more than {} bytes when decompressed (max_decompressed)", options_.max_decompressed)));
    }
    if (!piece.empty()) {
      ahead_ += piece.size();
      sink_->on_data(piece.span());
      return alive;
    }
    const bool left_over = decompressor_->is_whole() && !packed_.empty();
    if (left_over || (ended_ && !decompressor_->is_whole())) {
      return give_up(400, Error(Code::invalid_argument, left_over ? "bytes follow the compressed body" : "the compressed body ends too early"));
    }
    if (ended_) {
      done_ = true;
      sink_->on_end(trailers_);
    }
    return false;
  }

  bool give_up(int status, Error error) {
    MessageSink* sink = std::exchange(sink_, nullptr);
    inner().set_sink(nullptr);
    answered_ = !head_sent_ && respond_text(inner(), status, error.message());
    if (!answered_) inner().reset(Reset::cancel);
    sink->on_abort(std::move(error));
    return false;
  }

  RequestHead head_;  // as of a body that came as it is
  const ContentCodingOptions& options_;
  const std::unique_ptr<Decompressor> decompressor_;
  Buffer packed_;
  size_t ahead_ = 0;  // decompressed and not given back
  uint64_t total_ = 0;
  bool ended_ = false;  // compressed
  bool done_ = false;   // decompressed
  bool head_sent_ = false;
  bool answered_ = false;  // by give_up()
  Headers trailers_;
  bool* alive_ = nullptr;  // of the go_on() that runs
  io::TurnEndHook later_{[](void* self) { static_cast<DecompressedExchange*>(self)->go_on(); }, this};
};

}  // namespace

std::string undecoded(const RequestHead& head) {
  const std::string_view name = head.headers.get_or("content-encoding", "identity");
  return equal_without_case(name, "identity") ? std::string() : refusal(name, "identity");
}

Headers accepted_codings(std::string_view list) { return {{"accept-encoding", list}}; }

void ContentCodings::handle(ExchangePtr exchange) {
  const std::string_view name = exchange->request().headers.get_or("content-encoding", "identity");
  const auto coding = parse_content_coding(name);
  if (!coding) {
    [[maybe_unused]] const auto sent = respond_text(*exchange, 415, refusal(name, kOurs), accepted_codings(kOurs));
    return;
  }
  if (*coding != ContentCoding::identity) exchange = std::make_unique<DecompressedExchange>(std::move(exchange), *coding, options_);
  next().handle(std::make_unique<CompressedExchange>(std::move(exchange), options_));
}

}  // namespace sofa::http
