#include "sofa/platform/processes.h"

#include <algorithm>

#include "sofa/base/text.h"
#include "sofa/base/unix_time.h"
#include "sofa/rest/api.h"

namespace sofa::platform {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPrefix = "/v1/processes/";
constexpr size_t kMostBody = size_t{4} << 20;
constexpr Duration kHeadTimeout = 120s;  // a profile takes as long as it was asked for

/// What is asked of the process: the target without the way to it.
Result<http::RequestHead> request_for(const http::Exchange& exchange, const admin::Principal& user, const admin::Gate& gate) {
  const http::RequestHead& asked = exchange.request();
  const size_t end = std::min(asked.target.find_first_of("/?", kPrefix.size()), asked.target.size());  // of the id, which may be encoded
  http::RequestHead head{.method = asked.method, .authority = "localhost", .target = asked.target.substr(end)};
  if (!head.target.starts_with('/')) head.target.insert(0, 1, '/');
  for (const std::string_view name : {"accept", "content-type"}) {
    if (const auto value = asked.headers.get(name)) head.headers.add(name, *value);
  }
  if (auto said = admin::speak_for(user, gate, head.headers); !said) return forward_error(said);
  return head;
}

http::Headers fields_of(const http::ResponseHead& head) {
  http::Headers fields;
  for (const http::HeaderField field : head.headers) {
    if (field.name == "content-type" || field.name == "cache-control" || field.name == "content-disposition") fields.add(field.name, field.value);
  }
  return fields;
}

/// A request to a process, made, read and let go on the shard of its connection.
struct Remote {
  http::Asked asked;

  io::Task<Result<http::ResponseHead>> begin(http::ClientConnection* connection, http::RequestHead head, Bytes body) {
    if (connection == nullptr) co_return fail(Code::unavailable, "the process is gone");
    asked = co_await io::or_return(http::ask(*connection, std::move(head), std::move(body)));
    co_return std::move(*co_await io::or_return(co_await io::with_timeout(kHeadTimeout, asked.answer->response())));
  }
  io::Task<Result<void>> end() {
    asked.answer.reset();
    asked.exchange.reset();
    co_return Result<void>();
  }
};

struct ProcessId {
  std::string id{};
  static void describe(Description<ProcessId>& d) { d.field("id", &ProcessId::id).required(); }
};

}  // namespace

struct Processes::Attached {
  ProcessInfo info;
  io::Shard* shard = nullptr;                    // null: it is admitted, and not there yet
  http::ClientConnection* connection = nullptr;  // on its shard; null: not there
};

void ProcessInfo::describe(Description<ProcessInfo>& d) {
  d.java_type("sofa.Process");
  d.doc("A process that has attached to the platform.");
  d.field("id", &ProcessInfo::id);
  d.field("name", &ProcessInfo::name).doc("of the application");
  d.field("version", &ProcessInfo::version);
  d.field("host", &ProcessInfo::host);
  d.field("pid", &ProcessInfo::pid);
  d.field("started_at", &ProcessInfo::started_at).unit("ms since 1970");
  d.field("attached_at", &ProcessInfo::attached_at).unit("ms since 1970");
  d.field("admin", &ProcessInfo::admin).doc("address of its own admin port; empty: it has none");
}

class Processes::Part final : public admin::Part {
 public:
  explicit Part(Processes& all) : all_(all) {}
  std::string_view name() const override { return "Processes"; }
  void add_to(admin::Routes& routes) override {
    routes.get("List", "/v1/processes", "processes:read", [this]() { return all_.list(); }).doc("The processes that have attached, by name.");
    routes
        .get("Get", "/v1/processes/{id}", "processes:read",
             [this](ProcessId asked) -> Result<ProcessInfo> {
               const auto found = all_.find(asked.id);
               if (found == nullptr) return fail(Code::not_found, "no process '{}' is attached", asked.id);
               return found->info;
             })
        .doc("One of them.");
  }

 private:
  Processes& all_;
};

void Processes::add_to(admin::AdminServer& server) {
  server.add(std::make_shared<Part>(*this));
  const auto pass = [this, &gate = server.gate()](http::Exchange& exchange, http::Body& body, const admin::Caller& caller) {
    return pass_on(exchange, body, caller, gate);
  };
  server.add_raw("GET", "/v1/processes/{id}/{path...}", "processes:read", pass);
  for (const std::string_view method : {"POST", "PUT", "PATCH", "DELETE"})
    server.add_raw(method, "/v1/processes/{id}/{path...}", "processes:write", pass);
}

std::vector<ProcessInfo> Processes::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<ProcessInfo> all;
  for (const auto& [id, process] : attached_) {
    if (process->shard != nullptr) all.push_back(process->info);
  }
  return all;
}

std::shared_ptr<Processes::Attached> Processes::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = attached_.find(id);
  return found == attached_.end() || found->second->shard == nullptr ? nullptr : found->second;
}

std::string Processes::free_id(const admin::ProcessHello& hello) const {
  std::string base;
  for (const char c : hello.name.substr(0, 100)) base += is_alpha(c) || is_digit(c) || c == '_' || c == '.' ? c : '-';
  base += fmt::format("-{}", hello.pid);
  std::string id = base;
  for (int further = 2; attached_.contains(id); ++further) id = fmt::format("{}-{}", base, further);
  return id;
}

Result<std::string> Processes::admit(const admin::ProcessHello& hello, const io::Address& peer) {
  if (hello.name.empty()) return fail(Code::invalid_argument, "a process that attaches says its name");
  if (options_.check) {
    if (auto may = options_.check(hello.token, peer); !may) return forward_error(may);
  }
  const std::lock_guard lock(mutex_);
  if (attached_.size() >= options_.most) return fail(Code::resource_exhausted, "{} processes are attached, as many as may be", attached_.size());
  auto process = std::make_shared<Attached>();
  process->info = {.id = free_id(hello),
                   .name = hello.name,
                   .version = hello.version,
                   .host = hello.host,
                   .pid = hello.pid,
                   .started_at = hello.started_at,
                   .attached_at = unix_ms(clock_.now_wall()),
                   .admin = hello.admin};
  std::string id = process->info.id;
  attached_.emplace(id, std::move(process));
  return id;
}

void Processes::attached(const std::string& id, http::ClientConnection& connection) {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Attached> process = attached_.find(id)->second;
  process->connection = &connection;
  process->shard = &io::Shard::current();
  lock.unlock();
  if (options_.on_attached) options_.on_attached(process->info);
}

io::Task<void> Processes::detached(const std::string& id) {
  std::unique_lock lock(mutex_);
  const auto found = attached_.find(id);
  const std::shared_ptr<Attached> process = found->second;
  process->connection = nullptr;
  attached_.erase(found);
  lock.unlock();
  if (options_.on_gone && process->shard != nullptr) options_.on_gone(process->info);
  co_return;
}

io::Task<Result<http::Fetched>> Processes::ask(std::string id, std::string target, size_t most) const {
  const std::shared_ptr<Attached> process = find(id);
  if (process == nullptr) co_return fail(Code::not_found, "no process '{}' is attached", id);
  http::RequestHead head{.authority = "localhost", .target = std::move(target)};
  co_return co_await io::on(*process->shard, [&]() -> io::Task<Result<http::Fetched>> {
    if (process->connection == nullptr) co_return fail(Code::unavailable, "the process '{}' is gone", id);
    co_return co_await http::fetch(*process->connection, std::move(head), {}, most);
  });
}

io::Task<Result<void>> Processes::pass_on(http::Exchange& exchange, http::Body& body, const admin::Caller& caller, const admin::Gate& gate) {
  const std::string id(exchange.context().parameters.get("id"));
  const std::shared_ptr<Attached> process = find(id);
  if (process == nullptr) co_return rest::answer_error(exchange, Error(Code::not_found, fmt::format("no process '{}' is attached", id)));
  auto asked = request_for(exchange, caller.principal, gate);
  if (!asked) co_return rest::answer_error(exchange, asked.error());
  // The platform is a process of its own: it would go round and round.
  if (asked->target.starts_with(kPrefix)) {
    co_return rest::answer_error(exchange, Error(Code::invalid_argument, "a process is asked through the platform once: ask the platform itself"));
  }
  Bytes content;
  if (exchange.request().method != "GET") content = co_await io::or_return(co_await body.read_all(kMostBody));
  Remote remote;
  io::Shard& there = *process->shard;
  auto head = co_await io::on(there, [&] { return remote.begin(process->connection, std::move(*asked), std::move(content)); });
  Result<void> done = head ? exchange.send_response(head->status, fields_of(*head)) : rest::answer_error(exchange, head.error());
  while (head && done) {
    auto piece = co_await io::on(there, [&] { return remote.asked.answer->read(); });
    if (!piece) {
      done = forward_error(piece);
    } else if (piece->empty()) {
      done = exchange.send_data({}, true);
      break;
    } else {
      done = co_await body.write(std::move(*piece));
    }
  }
  (void)co_await io::on(there, [&] { return remote.end(); });
  co_return done;
}

}  // namespace sofa::platform
