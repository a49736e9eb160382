#include "services.h"
#include "sofa/io/shard.h"

namespace interop {

using rpc::Task;

namespace {

void values(JsonService& service) {
  service.echo = [](Text s) { return s; };
  service.hello = [](Text name, int32_t times) {
    std::string all;
    for (int32_t i = 0; i < times; ++i) all += (i > 0 ? ",hello " : "hello ") + name.value_or("null");
    return all;
  };
  service.add = [](int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); };
  service.add_long = [](std::optional<int64_t> a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a.value_or(0)) + static_cast<uint64_t>(b));
  };
  service.half = [](double d) { return d / 2; };
  service.negate = [](bool b) { return !b; };
  service.nothing = []() -> Text { return {}; };
  service.sum = [](Array<int32_t> v) {
    uint32_t sum = 0;
    for (const int32_t i : v.items) sum += static_cast<uint32_t>(i);
    return static_cast<int32_t>(sum);
  };
  service.next_level = [](std::optional<Level> l) -> std::optional<Level> {
    if (!l) return {};
    return static_cast<Level>((static_cast<int>(*l) + 1) % 3);
  };
  service.sleep = [](int64_t ms) -> Task<Result<std::string>> {
    co_await rpc::or_return(sofa::io::sleep_for(std::chrono::milliseconds(ms)));
    co_return fmt::format("slept {}", ms);
  };
  service.fail = [](Text kind) { return throw_it(kind); };
}

void containers(JsonService& service) {
  service.put_user = [](Graph<User> user) {
    if (user) user->id = static_cast<int64_t>(static_cast<uint64_t>(user->id) + 1);
    return user;
  };
  service.list_users = [](int32_t n) { return make_users(n); };
  service.reverse = [](JsonService::Texts items) {
    if (items) std::reverse(items->begin(), items->end());
    return items;
  };
  service.counts = [](JsonService::Counts counts) {
    if (!counts) return counts;
    for (auto& [key, count] : *counts) {
      if (count) ++*count;
    }
    return counts;
  };
  service.users_by_name = [](Users users, std::string suffix) {
    JsonService::UsersByName by_name(users.shared_arena(), users.arena().make<std::map<std::string, Link<User>>>());
    for (const Link<User>& user : *users) by_name->emplace(user->name.value_or("null") + suffix, user);
    return by_name;
  };
  service.echo_bytes = [](std::optional<Bytes> bytes) { return bytes; };
  service.echo_array = [](std::optional<Array<Text>> array) { return array; };
}

}  // namespace

std::shared_ptr<JsonService> make_json_service() {
  auto service = std::make_shared<JsonService>();
  values(*service);
  containers(*service);
  return service;
}

}  // namespace interop
