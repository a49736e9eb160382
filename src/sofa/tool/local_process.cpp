#include "sofa/tool/local_process.h"

#include "sofa/io/stream.h"

namespace sofa::tool {

namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(1);

bool names_a_server(const AdminFlags& flags) {
  if (!flags.server.empty() || !flags.context.empty()) return true;
  const auto context = choose_context("");
  return !context || context->server != Context().server;
}

io::Task<Exit> try_to_connect(std::string address) {
  const auto parsed = io::Address::parse(address);
  if (!parsed) co_return Exit::wrong_usage;
  io::ConnectOptions how;
  how.timeout = kConnectTimeout;
  co_return co_await io::Stream::connect(*parsed, how) ? Exit::ok : Exit::no_answer;
}

}  // namespace

Result<std::vector<boot::RunningProcess>> local_processes() { return boot::running_processes(boot::run_directory()); }

Result<std::optional<boot::RunningProcess>> local_process(std::string_view name, const AdminFlags& flags) {
  if (names_a_server(flags)) return std::nullopt;
  auto all = local_processes();
  if (!all) return forward_error(all);
  auto found = boot::find_process(*all, name);
  if (found) return *found;
  if (found.error().code() == Code::not_found) return std::nullopt;
  return std::unexpected(std::move(found.error()));
}

bool is_without_platform(const AdminFlags& flags) {
  if (names_a_server(flags)) return false;
  const auto target = admin_address(flags);
  return target && run_on_shard(try_to_connect(target->address)) == Exit::no_answer;
}

}  // namespace sofa::tool
