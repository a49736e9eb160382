#include "sofa/http/detail/http1_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

#include "sofa/http/detail/http1_head_scanner.h"
#include "sofa/http/detail/http1_syntax.h"

namespace sofa::http::detail {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

/// Most bytes of a line with a chunk's size and extensions.
constexpr size_t kMaxChunkLine = 1024;

std::string_view view(string_view text) { return {text.data(), text.size()}; }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

template <class Head>
constexpr bool kIsRequest = std::is_same_v<Head, RequestHead>;

/// Beast's parser of one message, which puts what it finds where we want it.
template <class Head>
class BeastParser final : public beast::basic_parser<kIsRequest<Head>> {
 public:
  BeastParser(Head& head, Headers& trailers) : head_(head), trailers_(trailers) {
    this->eager(false);
    this->body_limit(boost::none);
    this->header_limit(UINT32_MAX);
  }
  ByteSpan data() const { return data_; }
  void clear_data() { data_ = {}; }
  /// The next byte is of a chunk's line or of the trailers, not of the body.
  bool at_chunk_line() const { return this->chunked() && chunk_left_ == 0; }

 private:
  void on_request_impl(beast::verb, string_view method, string_view target, int version, error_code&) override {
    if constexpr (kIsRequest<Head>) {
      head_.method = view(method);
      head_.target = view(target);
    }
    head_.version = version == 10 ? Version::http1_0 : Version::http1_1;
  }
  void on_response_impl(int status, string_view, int version, error_code&) override {
    if constexpr (!kIsRequest<Head>) head_.status = status;
    head_.version = version == 10 ? Version::http1_0 : Version::http1_1;
  }
  void on_field_impl(beast::field, string_view name, string_view value, error_code&) override {
    (last_chunk_ ? trailers_ : head_.headers).add(view(name), view(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(string_view body, error_code&) override {
    data_ = as_bytes(view(body));
    return body.size();
  }
  void on_chunk_header_impl(uint64_t size, string_view extensions, error_code& ec) override {
    if (has_control(view(extensions))) ec = beast::error::bad_chunk_extension;
    last_chunk_ = size == 0;
    chunk_left_ = size;
  }
  size_t on_chunk_body_impl(uint64_t, string_view body, error_code& ec) override {
    chunk_left_ -= body.size();
    return on_body_impl(body, ec);
  }
  void on_finish_impl(error_code&) override {}

  Head& head_;
  Headers& trailers_;
  ByteSpan data_;
  bool last_chunk_ = false;
  uint64_t chunk_left_ = 0;
};

}  // namespace

template <class Head>
class MessageParser<Head>::Impl {
 public:
  Impl(const MessageLimits& message_limits, uint64_t max_body_size) : limits(message_limits), max_body(max_body_size) {}

  Step next(Buffer& in, size_t max_data) {
    in.consume(std::exchange(taken, 0));
    switch (phase) {
      case Phase::head:
        return next_head(in);
      case Phase::body:
        return next_body(in, max_data);
      case Phase::end:
        break;
    }
    phase = Phase::head;
    return Step::end;
  }

  enum class Phase : uint8_t { head, body, end };

  bool needs_stream_end() const { return phase == Phase::body && beast_parser->need_eof(); }

  const MessageLimits limits;
  const uint64_t max_body;
  Head head;
  Headers trailers;
  MessageFacts facts;
  Refusal refusal;
  ByteSpan data;
  Phase phase = Phase::head;
  bool begun = false;
  bool answers_head = false;

 private:
  Step refuse(int status, std::string reason) {
    refusal = {status, std::move(reason)};
    return Step::refused;
  }

  Step next_head(Buffer& in) {
    // A CRLF may stand before a request line (RFC 9112, 2.2): one is skipped, however the bytes come.
    if (!line_skipped && !begun) {
      if (in.size() >= 2 && in.data()[0] == '\r' && in.data()[1] == '\n') {
        in.consume(2);
        line_skipped = true;
      } else if (in.size() == 1 && in.data()[0] == '\r') {
        return Step::need_more;
      }
    }
    if (in.empty()) return Step::need_more;
    begun = true;
    switch (scanner.scan(in.span())) {
      case HeadScanner::Found::bad:
        return refuse(400, fmt::format("the head is malformed: {}", scanner.problem()));
      case HeadScanner::Found::need_more:
        return check_unfinished();
      case HeadScanner::Found::whole:
        break;
    }
    const Step step = take_head(in.span().first(scanner.size()));
    in.consume(scanner.size());
    scanner = {};
    begun = false;
    line_skipped = false;
    return step;
  }

  // The method word, the version and the spaces around the target fit into this.
  static constexpr size_t kLineSlack = 32;

  Step check_unfinished() {
    if (scanner.first_line() > limits.max_target + kLineSlack) return target_too_long();
    if (scanner.size() - scanner.first_line() > limits.max_header_list) return head_too_large();
    return Step::need_more;
  }
  Step target_too_long() { return refuse(414, fmt::format("the target is longer than {} bytes (max_target)", limits.max_target)); }
  Step head_too_large() {
    return refuse(
        431, fmt::format("the head has more than {} bytes (max_header_list) or {} fields (max_headers)", limits.max_header_list, limits.max_headers));
  }

  Step take_head(ByteSpan bytes) {
    head = {};
    trailers.clear();
    facts = {};
    beast_parser.emplace(head, trailers);
    if constexpr (!kIsRequest<Head>) beast_parser->skip(answers_head);
    if (scanner.first_line() > limits.max_target + kLineSlack) return target_too_long();
    if (bytes.size() - scanner.first_line() > limits.max_header_list + 4) return head_too_large();
    error_code ec;
    beast_parser->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec == beast::error::bad_version && has_other_version(bytes)) return refuse(505, "the version is not HTTP/1.1 or HTTP/1.0");
    if (ec) return refuse(400, fmt::format("the head is malformed: {}", ec.message()));
    if (auto wrong = check_head()) return refuse(wrong->status, std::move(wrong->reason));
    note_facts();
    phase = facts.has_body ? Phase::body : Phase::end;
    return Step::head;
  }

  // The first line is one of three words that ends with a version.
  bool has_other_version(ByteSpan bytes) const {
    const std::string_view line = as_text(bytes.first(scanner.first_line() - 1));
    return std::count(line.begin(), line.end(), ' ') == 2 && is_version(line.substr(line.rfind(' ') + 1));
  }

  std::optional<Refusal> check_head() const {
    if (head.headers.size() > limits.max_headers || head.headers.list_size() > limits.max_header_list) {
      return Refusal{431, fmt::format("the head has {} fields of {} bytes; {} (max_headers) and {} (max_header_list, 32 added for each) are taken",
                                      head.headers.size(), head.headers.list_size(), limits.max_headers, limits.max_header_list)};
    }
    if (auto wrong = check_framing(head.headers, head.version)) return wrong;
    if constexpr (kIsRequest<Head>) {
      if (head.target.size() > limits.max_target) {
        return Refusal{414, fmt::format("the target has {} bytes; {} are taken (max_target)", head.target.size(), limits.max_target)};
      }
      if (auto wrong = check_request(head)) return wrong;
    }
    const auto length = beast_parser->content_length();
    if (length && *length > max_body) return body_too_long(*length);
    return std::nullopt;
  }
  Refusal body_too_long(uint64_t length) const {
    return {413, fmt::format("the body has {} bytes or more; {} are taken (max_body)", length, max_body)};
  }

  void note_facts() {
    facts.has_body = !beast_parser->is_done();
    facts.keep_alive = beast_parser->keep_alive();
    facts.upgrade = beast_parser->upgrade();
    if (const auto length = beast_parser->content_length(); length && facts.has_body) facts.body_left = *length;
    body_seen = 0;
    if constexpr (kIsRequest<Head>) {
      finish_request(head);
      facts.expects_continue = facts.has_body && head.version == Version::http1_1 && head.headers.contains("expect");
    }
  }

  // Beast looks twice at a last chunk whose trailers are not there yet, and the second time takes for granted what the shortest one has: "0\r\n\r\n".
  // Only the first chunk of a body can be shorter and whole for it: behind another one stands that one's line end.
  static bool is_short_last_chunk(ByteSpan bytes) { return bytes.size() < 5 && bytes[0] == '0'; }

  // One call of Beast takes one thing: a chunk's line, a piece of data, the last line with the trailers.
  Step next_body(Buffer& in, size_t max_data) {
    while (!in.empty()) {
      const bool line = beast_parser->at_chunk_line();
      if (!line && max_data == 0) return Step::need_more;
      if (line && is_short_last_chunk(in.span())) return Step::need_more;
      const ByteSpan bytes = in.span().first(line ? in.size() : std::min(in.size(), max_data));
      error_code ec;
      beast_parser->clear_data();
      const size_t used = beast_parser->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
      if (ec == beast::error::need_more && used == 0) return check_line(bytes);
      if (ec && ec != beast::error::need_more) return refuse(400, fmt::format("the body is malformed: {}", ec.message()));
      if (beast_parser->is_done()) phase = Phase::end;
      data = beast_parser->data();
      if (!data.empty()) return take_data(used);
      if (phase == Phase::end && !check_trailers(bytes.first(used))) return Step::refused;
      in.consume(used);
      if (phase == Phase::end) return next(in, max_data);
    }
    return Step::need_more;
  }

  Step take_data(size_t used) {
    taken = used;
    body_seen += data.size();
    if (facts.body_left != UINT64_MAX) facts.body_left -= data.size();
    if (body_seen > max_body) {
      Refusal wrong = body_too_long(body_seen);
      return refuse(wrong.status, std::move(wrong.reason));
    }
    return Step::data;
  }

  bool check_trailers(ByteSpan used) {
    const std::string_view text = as_text(used);
    if (text.find("\r\n ") != std::string_view::npos || text.find("\r\n\t") != std::string_view::npos) {
      refuse(400, "the trailers are malformed: a line is folded (it begins with white space)");
      return false;
    }
    if (trailers.size() > limits.max_headers || trailers.list_size() > limits.max_header_list) {
      refuse(431, fmt::format("the trailers have {} fields of {} bytes; {} (max_headers) and {} (max_header_list) are taken", trailers.size(),
                              trailers.list_size(), limits.max_headers, limits.max_header_list));
      return false;
    }
    return true;
  }

  // `waiting` begins with a chunk's line, perhaps after the CRLF of the chunk before; when the line is whole, trailers follow it.
  Step check_line(ByteSpan waiting) {
    const bool whole = as_text(waiting).find("\r\n", 2) != std::string_view::npos;
    if (!whole && waiting.size() > kMaxChunkLine) return refuse(400, fmt::format("the line of a chunk is longer than {} bytes", kMaxChunkLine));
    if (waiting.size() > limits.max_header_list) {
      return refuse(431, fmt::format("the trailers have more than {} bytes (max_header_list)", limits.max_header_list));
    }
    return Step::need_more;
  }

  HeadScanner scanner;
  bool line_skipped = false;  // the empty line before this head
  std::optional<BeastParser<Head>> beast_parser;
  size_t taken = 0;  // bytes of `in` that data views
  uint64_t body_seen = 0;
};

template <class Head>
MessageParser<Head>::MessageParser(const MessageLimits& limits, uint64_t max_body) : impl_(std::make_unique<Impl>(limits, max_body)) {}
template <class Head>
MessageParser<Head>::~MessageParser() = default;
template <class Head>
Step MessageParser<Head>::next(Buffer& in, size_t max_data) {
  return impl_->next(in, max_data);
}
template <class Head>
void MessageParser<Head>::answers_head_request(bool yes) {
  impl_->answers_head = yes;
}
template <class Head>
bool MessageParser<Head>::ends_with_stream() const {
  return impl_->needs_stream_end();
}
template <class Head>
Head& MessageParser<Head>::head() {
  return impl_->head;
}
template <class Head>
const MessageFacts& MessageParser<Head>::facts() const {
  return impl_->facts;
}
template <class Head>
ByteSpan MessageParser<Head>::data() const {
  return impl_->data;
}
template <class Head>
Headers& MessageParser<Head>::trailers() {
  return impl_->trailers;
}
template <class Head>
const Refusal& MessageParser<Head>::refusal() const {
  return impl_->refusal;
}
template <class Head>
bool MessageParser<Head>::idle() const {
  return impl_->phase == Impl::Phase::head && !impl_->begun;
}
template <class Head>
bool MessageParser<Head>::in_body() const {
  return impl_->phase == Impl::Phase::body;
}

template class MessageParser<RequestHead>;
template class MessageParser<ResponseHead>;

}  // namespace sofa::http::detail
