#pragma once
// The service that serializer 12 is tried with (java/src/sofa/interop/JsonService.java), for the server and the client.

#include <map>
#include <memory>

#include "interop_api.h"

namespace interop {

/// sofa.interop.User as Jackson writes it: a date is its milliseconds, a decimal a number. Its map holds texts alone here.
struct JsonUser {
  int64_t id = 0;
  Text name;
  int32_t age = 0;
  bool vip = false;
  double score = 0;
  std::optional<int32_t> rank;
  std::optional<std::vector<Text>> tags;
  std::optional<std::map<std::string, Text>> attrs;
  std::optional<Level> level;
  std::optional<int64_t> birthday;
  std::optional<double> balance;
  std::optional<Bytes> avatar;
  std::shared_ptr<JsonUser> manager;

  static auto describe(sofa::Description<JsonUser>& d) {
    d.java_type("sofa.interop.User");
    d.field("id", &JsonUser::id);
    d.field("name", &JsonUser::name);
    d.field("age", &JsonUser::age);
    d.field("vip", &JsonUser::vip);
    d.field("score", &JsonUser::score);
    d.field("rank", &JsonUser::rank);
    d.field("tags", &JsonUser::tags);
    d.field("attrs", &JsonUser::attrs);
    d.field("level", &JsonUser::level);
    d.field("birthday", &JsonUser::birthday);
    d.field("balance", &JsonUser::balance);
    d.field("avatar", &JsonUser::avatar);
    d.field("manager", &JsonUser::manager);
  }
};

/// The user of the contract, without the number in its map.
inline JsonUser make_json_user(int64_t id, std::shared_ptr<JsonUser> manager) {
  sofa::Arena arena;
  const User* user = make_user(arena, id, nullptr);
  JsonUser made;
  made.id = id;
  made.name = user->name;
  made.age = user->age;
  made.vip = user->vip;
  made.score = user->score;
  made.rank = user->rank;
  made.tags = user->tags;
  made.attrs.emplace()["k"] = "v";
  made.level = user->level;
  made.birthday = user->birthday->milliseconds;
  made.balance = 100.25 + static_cast<double>(id);
  made.avatar = user->avatar;
  made.manager = std::move(manager);
  return made;
}

struct JsonService : rpc::Interface {
  using Counts = std::optional<std::map<std::string, std::optional<int32_t>>>;
  using Texts = std::optional<std::vector<Text>>;
  static constexpr std::string_view kName = "sofa.interop.JsonService";
  rpc::Method<Text(Text)> echo{this, "echo"};
  rpc::Method<std::string(Text, int32_t)> hello{this, "hello"};
  rpc::Method<int32_t(int32_t, int32_t)> add{this, "add"};
  rpc::Method<int64_t(std::optional<int64_t>, int64_t)> add_long{this, "addLong"};
  rpc::Method<double(double)> half{this, "half"};
  rpc::Method<bool(bool)> negate{this, "not"};
  rpc::Method<Text()> nothing{this, "nothing"};
  rpc::Method<std::shared_ptr<JsonUser>(std::shared_ptr<JsonUser>)> put_user{this, "putUser"};
  rpc::Method<std::vector<JsonUser>(int32_t)> list_users{this, "listUsers"};
  rpc::Method<Texts(Texts)> reverse{this, "reverse"};
  rpc::Method<Counts(Counts)> counts{this, "counts"};
  rpc::Method<std::map<std::string, JsonUser>(std::vector<JsonUser>, std::string)> users_by_name{this, "usersByName"};
  rpc::Method<std::optional<Bytes>(std::optional<Bytes>)> echo_bytes{this, "echoBytes"};
  rpc::Method<int32_t(Array<int32_t>)> sum{this, "sum"};
  rpc::Method<std::optional<Array<Text>>(std::optional<Array<Text>>)> echo_array{this, "echoArray"};
  rpc::Method<std::optional<Level>(std::optional<Level>)> next_level{this, "nextLevel"};
  rpc::Method<std::string(int64_t)> sleep{this, "sleep"};
  rpc::Method<Text(Text)> fail{this, "fail"};
};

}  // namespace interop
