#include "sofa/http/in_process.h"

#include <optional>

#include "sofa/io/sync.h"

namespace sofa::http {

namespace {

class InProcessExchange;

/// What the exchange, which is the handler's, and its asker share.
struct Answering {
  explicit Answering(size_t most_bytes) : most(most_bytes) {}

  void end() { ended.set(); }
  void fail_with(Error error) {
    if (!ended.is_set()) failure = std::move(error);
    ended.set();
  }

  const size_t most;
  ResponseHead head{.status = 0};
  Buffer body;
  std::optional<Error> failure;
  io::Event ended;
  InProcessExchange* exchange = nullptr;  // while the handler keeps it
};

class InProcessExchange final : public Exchange {
 public:
  InProcessExchange(RequestHead head, std::string principal, std::shared_ptr<Answering> answer)
      : Exchange(std::move(head)), answer_(std::move(answer)), peer_(io::Address::of("127.0.0.1", 0)) {
    context().principal = std::move(principal);
    answer_->exchange = this;
  }
  ~InProcessExchange() override {
    answer_->exchange = nullptr;
    answer_->fail_with(Error(Code::unavailable, "the request was dropped without an answer"));
  }

  const io::Address& peer() const override { return peer_; }
  void consumed(size_t) override {}
  Result<void> send_response(int status, const Headers& headers, bool end) override {
    if (status < 200) return {};
    if (auto open = check_open(); !open) return open;
    answer_->head = {.status = status, .headers = headers};
    return end ? finish() : Result<void>();
  }
  Result<void> send_data(Bytes data, bool end) override {
    if (auto open = check_open(); !open) return open;
    if (answer_->body.size() + data.size() > answer_->most) {
      Error too_long(Code::resource_exhausted, fmt::format("the answer has more than {} bytes", answer_->most));
      answer_->fail_with(too_long);
      return std::unexpected(std::move(too_long));
    }
    answer_->body.append(data);
    return end ? finish() : Result<void>();
  }
  Result<void> send_trailers(const Headers&) override {
    if (auto open = check_open(); !open) return open;
    return finish();
  }
  void reset(Reset) override { answer_->fail_with(Error(Code::unavailable, "the request was given up")); }
  size_t pending_bytes() const override { return 0; }
  bool write_blocked() const override { return false; }

  /// The request has no body. The sink may destroy the exchange.
  void end_request() {
    Headers none;
    if (sink_ != nullptr) sink_->on_end(none);
  }
  void give_up(const Error& why) {
    answer_->fail_with(why);
    if (sink_ != nullptr) sink_->on_abort(why);
  }

 private:
  Result<void> check_open() const {
    if (answer_->ended.is_set()) return fail(Code::unavailable, "nobody waits for the answer any more");
    return {};
  }
  Result<void> finish() {
    answer_->end();
    return {};
  }

  const std::shared_ptr<Answering> answer_;
  const io::Address peer_;
};

}  // namespace

io::Task<Result<Fetched>> ask_in_process(Handler& handler, InProcessRequest request) {
  const auto answer = std::make_shared<Answering>(request.most);
  handler.handle(std::make_unique<InProcessExchange>(std::move(request.head), std::move(request.principal), answer));
  if (answer->exchange != nullptr) answer->exchange->end_request();
  const auto waited = co_await answer->ended.wait();
  if (!waited) {
    if (answer->exchange != nullptr) answer->exchange->give_up(waited.error());
    co_return std::unexpected<Error>(waited.error());
  }
  if (answer->failure) co_return std::unexpected<Error>(*answer->failure);
  co_return Fetched{std::move(answer->head), answer->body.take()};
}

}  // namespace sofa::http
