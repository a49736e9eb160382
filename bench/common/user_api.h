#pragma once
#include <string>
#include <vector>

#include "sofa/base/description.h"

namespace bench {

/// What a REST server of the benchmark answers with, here and in the Go peer: the same fields in the same order.
struct User {
  int64_t id = 0;
  std::string name;
  int32_t age = 0;
  std::string level;
  std::vector<std::string> tags;
  std::string email;
  static auto describe(sofa::Description<User>& d) {
    d.field("id", &User::id);
    d.field("name", &User::name).required();
    d.field("age", &User::age).range(0, 150);
    d.field("level", &User::level);
    d.field("tags", &User::tags);
    d.field("email", &User::email);
  }
};

struct UserId {
  int64_t id = 0;
  static auto describe(sofa::Description<UserId>& d) { d.field("id", &UserId::id).at_least(1); }
};

inline User user_of(int64_t id) {
  return {.id = id, .name = "Ada Lovelace", .age = 36, .level = "high", .tags = {"first", "analytical", "engine"}, .email = "ada@example.com"};
}

}  // namespace bench
