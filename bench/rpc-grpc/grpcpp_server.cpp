// The peer: the echo of echo.proto on grpc++'s asynchronous server, one completion queue and one thread, as ours has one. No project code.
// bench-grpcpp-server --port P [--certificate FILE --key FILE]
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "echo.grpc.pb.h"

namespace {

using bench::pb::Echo;
using google::protobuf::StringValue;

/// What a tag of the queue points to.
class Event {
 public:
  virtual ~Event() = default;
  /// The operation has ended. May destroy this.
  virtual void proceed(bool ok) = 0;
};

class UnaryCall final : public Event {
 public:
  UnaryCall(Echo::AsyncService& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) {
    service_.RequestCall(&context_, &text_, &responder_, &queue_, &queue_, this);
  }
  void proceed(bool ok) override {
    if (answered_ || !ok) {
      delete this;
      return;
    }
    new UnaryCall(service_, queue_);
    answered_ = true;
    responder_.Finish(text_, grpc::Status::OK, this);
  }

 private:
  Echo::AsyncService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  StringValue text_;
  grpc::ServerAsyncResponseWriter<StringValue> responder_{&context_};
  bool answered_ = false;
};

class Stream final : public Event {
 public:
  Stream(Echo::AsyncService& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) {
    service_.RequestTalk(&context_, &stream_, &queue_, &queue_, this);
  }
  void proceed(bool ok) override {
    switch (state_) {
      case State::begin:
        if (!ok) return end();
        new Stream(service_, queue_);
        return read();
      case State::read:
        if (!ok) return finish();
        state_ = State::write;
        return stream_.Write(text_, this);
      case State::write:
        return ok ? read() : finish();
      case State::finish:
        return end();
    }
  }

 private:
  enum class State { begin, read, write, finish };
  void read() {
    state_ = State::read;
    stream_.Read(&text_, this);
  }
  void finish() {
    state_ = State::finish;
    stream_.Finish(grpc::Status::OK, this);
  }
  void end() { delete this; }

  Echo::AsyncService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  StringValue text_;
  grpc::ServerAsyncReaderWriter<StringValue, StringValue> stream_{&context_};
  State state_ = State::begin;
};

std::string content_of(const std::string& file) {
  std::ostringstream content;
  content << std::ifstream(file).rdbuf();
  return content.str();
}

std::shared_ptr<grpc::ServerCredentials> credentials(const std::string& certificate, const std::string& key) {
  if (certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({content_of(key), content_of(certificate)});
  return grpc::SslServerCredentials(options);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  Echo::AsyncService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + options["--port"], credentials(options["--certificate"], options["--key"]));
  builder.RegisterService(&service);
  const auto queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("ready pid=%d h2=%s\n", getpid(), options["--port"].c_str());
  std::fflush(stdout);
  new UnaryCall(service, *queue);
  new Stream(service, *queue);
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) static_cast<Event*>(tag)->proceed(ok);
}
