#pragma once
// The interop contract (docs/protocols/interop-service.md) as C++ declarations, for the server and the client.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "interop_pb.sofa.h"
#include "sofa/base/description.h"
#include "sofa/rpc/interface.h"
#include "sofa/wire/hessian/java_types.h"
#include "sofa/wire/hessian/tests/interop_types.h"
#include "sofa/wire/hessian/value.h"

namespace interop {

using sofa::Array;
using sofa::Bytes;
using sofa::Graph;
using sofa::Link;
using sofa::Result;
namespace hessian = sofa::hessian;
namespace rpc = sofa::rpc;
using Text = std::optional<std::string>;

using hessian::interop::Level;

struct User {
  int64_t id = 0;
  Text name;
  int32_t age = 0;
  bool vip = false;
  double score = 0;
  std::optional<int32_t> rank;
  std::optional<std::vector<Text>> tags;
  hessian::Value attrs;
  std::optional<Level> level;
  std::optional<hessian::Timestamp> birthday;
  std::optional<hessian::BigDecimal> balance;
  std::optional<Bytes> avatar;
  Link<User> manager;

  static auto describe(sofa::Description<User>& d) {
    d.java_type("sofa.interop.User");
    d.field("id", &User::id);
    d.field("name", &User::name);
    d.field("age", &User::age);
    d.field("vip", &User::vip);
    d.field("score", &User::score);
    d.field("rank", &User::rank);
    d.field("tags", &User::tags);
    d.field("attrs", &User::attrs);
    d.field("level", &User::level);
    d.field("birthday", &User::birthday);
    d.field("balance", &User::balance);
    d.field("avatar", &User::avatar);
    d.field("manager", &User::manager);
  }
};

struct Node {
  Text name;
  Link<Node> next;
  std::optional<std::vector<Link<Node>>> children;

  static auto describe(sofa::Description<Node>& d) {
    d.java_type("sofa.interop.Node");
    d.field("name", &Node::name);
    d.field("next", &Node::next);
    d.field("children", &Node::children);
  }
};

/// 100.25 + id.
inline hessian::BigDecimal balance_of(int64_t id) {
  const bool negative = id < -100;  // -101 gives -0.75
  const uint64_t whole = negative ? 0 - static_cast<uint64_t>(id) - 101 : static_cast<uint64_t>(id) + 100;
  return {fmt::format("{}{}.{}", negative ? "-" : "", whole, negative ? 75 : 25)};
}

/// The user that the contract gives to an id, whose remainder by 3 must not be negative (it has no level then); its nodes belong to the arena.
inline User* make_user(sofa::Arena& arena, int64_t id, User* manager) {
  User* user = arena.make<User>();
  user->id = id;
  user->name = fmt::format("user-{}", id);
  user->age = static_cast<int32_t>(20 + id % 50);
  user->vip = id % 2 == 0;
  user->score = 1.5 * static_cast<double>(id);
  if (id != 0) user->rank = static_cast<int32_t>(id);
  user->tags = std::vector<Text>{"a", "中文"};
  hessian::Map* attrs = hessian::make_map(arena);
  attrs->push(hessian::Value::literal("k"), hessian::Value::literal("v"));
  attrs->push(hessian::Value::literal("n"), hessian::Value(id));
  user->attrs = hessian::Value(attrs);
  user->level = static_cast<Level>(id % 3);
  user->birthday = hessian::Timestamp{static_cast<int64_t>(946684800000 + 1000 * static_cast<uint64_t>(id))};  // wraps, as in Java
  user->balance = balance_of(id);
  const uint8_t avatar[] = {1, 2, 3, static_cast<uint8_t>(id)};
  user->avatar = Bytes::copy_of(sofa::ByteSpan(avatar));
  user->manager = manager;
  return user;
}

/// `chars` letters, letter i = 'a' + i % 26.
inline std::string letters(size_t chars) {
  std::string text(chars, 'a');
  for (size_t i = 0; i < chars; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

using Users = Graph<std::vector<Link<User>>>;

/// Users 1 to n that share one manager, user 0.
inline Users make_users(int32_t n) {
  Users users = Users::make();
  User* manager = make_user(users.arena(), 0, nullptr);
  for (int32_t id = 1; id <= n; ++id) users->push_back(make_user(users.arena(), id, manager));
  return users;
}

struct InteropService : rpc::Interface {
  static constexpr std::string_view kName = "sofa.interop.InteropService";
  rpc::Method<Text(Text)> echo{this, "echo"};
  rpc::Method<std::string(Text)> hello{this, "hello"};
  rpc::Method<std::string(Text, int32_t)> hello_times{this, "hello", {.parameters = {"name", "times"}}};
  rpc::Method<int32_t(int32_t, int32_t)> add{this, "add"};
  rpc::Method<int64_t(std::optional<int64_t>, int64_t)> add_long{this, "addLong"};
  rpc::Method<double(double)> half{this, "half"};
  rpc::Method<void()> ping{this, "ping"};
  rpc::Method<Graph<User>(int64_t)> get_user{this, "getUser"};
  rpc::Method<Graph<User>(Graph<User>)> put_user{this, "putUser"};
  rpc::Method<Users(int32_t)> list_users{this, "listUsers"};
  rpc::Method<Graph<hessian::Value>(Graph<hessian::Value>)> echo_map{this, "echoMap", {.java_types = {"java.util.Map"}}};
  rpc::Method<std::optional<Bytes>(std::optional<Bytes>)> echo_bytes{this, "echoBytes"};
  rpc::Method<std::optional<Array<Text>>(std::optional<Array<Text>>)> echo_array{this, "echoArray"};
  rpc::Method<int32_t(std::optional<Array<int32_t>>)> sum{this, "sum"};
  rpc::Method<Level(std::optional<Level>)> next_level{this, "nextLevel"};
  rpc::Method<Graph<hessian::Value>(Graph<hessian::Value>)> echo_object{this, "echoObject"};
  rpc::Method<hessian::LocalDateTime(std::optional<hessian::LocalDateTime>, int32_t)> plus_days{this, "plusDays"};
  rpc::Method<Graph<Node>(Graph<Node>)> echo_node{this, "echoNode"};
  rpc::Method<std::string(int32_t)> big{this, "big"};
  rpc::Method<std::string(int64_t)> sleep{this, "sleep"};
  rpc::Method<Text(Text)> fail{this, "fail"};
  rpc::Method<void(Text, Text)> note{this, "note"};
  rpc::Method<Text(Text)> recall{this, "recall"};
  rpc::Method<Text(Text)> baggage{this, "baggage"};
};

/// Section 5: the same over Dubbo, with attachments in place of baggage.
struct DubboInteropService : InteropService {
  static constexpr std::string_view kName = "sofa.interop.DubboInteropService";
  rpc::Method<Text(Text)> attachment{this, "attachment"};
};

using sofa::interop::InteropPbService;  // made from proto/interop_pb.proto

}  // namespace interop
