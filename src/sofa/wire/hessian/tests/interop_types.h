#pragma once
// The types of the interop service, as a user describes them.

#include "sofa/wire/hessian/java_types.h"

namespace sofa::hessian::interop {

enum class Level { bronze, silver, gold };
inline void describe(EnumDescription<Level>& d) {
  d.java_type("sofa.interop.Level").value("BRONZE", Level::bronze).value("SILVER", Level::silver).value("GOLD", Level::gold);
}

struct User {
  int64_t id = 0;
  std::optional<std::string> name;
  int32_t age = 0;
  bool vip = false;
  double score = 0;
  std::optional<int32_t> rank;
  std::vector<std::string> tags;
  std::map<std::string, Value> attrs;
  std::optional<Level> level;
  std::optional<Timestamp> birthday;
  std::optional<BigDecimal> balance;
  Bytes avatar;
  std::shared_ptr<User> manager;
  static auto describe(Description<User>& d) {
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
  std::optional<std::string> name;
  Link<Node> next;
  std::vector<Link<Node>> children;
  static auto describe(Description<Node>& d) {
    d.java_type("sofa.interop.Node");
    d.field("name", &Node::name);
    d.field("next", &Node::next);
    d.field("children", &Node::children);
  }
};

inline User make_user(int64_t id, std::shared_ptr<User> manager = nullptr) {
  User user;
  user.id = id;
  user.name = fmt::format("user-{}", id);
  user.age = static_cast<int32_t>(20 + id % 50);
  user.vip = id % 2 == 0;
  user.score = 1.5 * static_cast<double>(id);
  if (id != 0) user.rank = static_cast<int32_t>(id);
  user.tags = {"a", "中文"};
  user.attrs = {{"k", Value::literal("v")}, {"n", Value(id)}};
  user.level = static_cast<Level>(id % 3);
  user.birthday = Timestamp{946684800000 + 1000 * id};
  user.balance = BigDecimal{fmt::format("{}.25", 100 + id)};
  const uint8_t avatar[] = {1, 2, 3, static_cast<uint8_t>(id)};
  user.avatar = Bytes::copy_of(avatar);
  user.manager = std::move(manager);
  return user;
}

}  // namespace sofa::hessian::interop
