// A REST service: rest-users [--port 8080]. Try it with curl, or open http://127.0.0.1:8080/docs
#include <map>

#include "sofa/io/shard.h"
#include "sofa/rest/api.h"
#include "sofa/rest/multipart.h"
#include "sofa/rpc/server.h"

using namespace sofa;

enum class Level { low, middle, high };

void describe(EnumDescription<Level>& d) { d.value("low", Level::low).value("middle", Level::middle).value("high", Level::high); }

struct User {
  int64_t id = 0;
  std::string name;
  int32_t age = 0;
  Level level = Level::low;
  std::vector<std::string> tags;
  std::optional<std::string> email;
  static auto describe(Description<User>& d) {
    d.java_type("com.acme.User");
    d.field("id", &User::id);
    d.field("name", &User::name).required();
    d.field("age", &User::age).range(0, 150).unit("years");
    d.field("level", &User::level);
    d.field("tags", &User::tags);
    d.field("email", &User::email);
  }
};

struct Id {
  int64_t id = 0;
  static auto describe(Description<Id>& d) { d.field("id", &Id::id).at_least(1).doc("given by the service"); }
};

struct Search {
  std::vector<std::string> tag;
  std::optional<Level> level;
  int32_t limit = 10;
  static auto describe(Description<Search>& d) {
    d.field("tag", &Search::tag).doc("all of them");
    d.field("level", &Search::level);
    d.field("limit", &Search::limit).range(1, 100);
  }
};

struct Rename {
  int64_t id = 0;
  std::string name;
  std::string who;
  static auto describe(Description<Rename>& d) {
    d.field("id", &Rename::id);
    d.field("name", &Rename::name).required();
    d.field("who", &Rename::who).doc("for the audit");
  }
};

struct Portrait {
  int64_t id = 0;
  std::string caption;
  std::vector<rest::File> pictures;
  static auto describe(Description<Portrait>& d) {
    d.field("id", &Portrait::id);
    d.field("caption", &Portrait::caption);
    d.field("pictures", &Portrait::pictures).required();
  }
};

struct Countdown {
  int32_t from = 3;
  static auto describe(Description<Countdown>& d) { d.field("from", &Countdown::from).range(0, 1000); }
};

/// The users, in memory. One shard.
class Users {
 public:
  User add(User user) {
    user.id = ++last_;
    return users_[user.id] = std::move(user);
  }
  Result<User> find(int64_t id) const {
    const auto at = users_.find(id);
    if (at == users_.end()) return fail(Code::not_found, "there is no user {}", id);
    return at->second;
  }
  std::vector<User> search(const Search& search) const {
    std::vector<User> found;
    for (const auto& [id, user] : users_) {
      const bool tagged =
          std::ranges::all_of(search.tag, [&](const std::string& tag) { return std::ranges::find(user.tags, tag) != user.tags.end(); });
      if (tagged && (!search.level || *search.level == user.level)) found.push_back(user);
      if (found.size() == static_cast<size_t>(search.limit)) break;
    }
    return found;
  }
  Result<User> rename(const Rename& change) {
    const auto at = users_.find(change.id);
    if (at == users_.end()) return fail(Code::not_found, "there is no user {}", change.id);
    if (change.who.empty()) return fail(Code::permission_denied, "the header x-who says who changes user {}; it is missing", change.id);
    at->second.name = change.name;
    return at->second;
  }
  Result<void> remove(int64_t id) {
    if (users_.erase(id) == 0) return fail(Code::not_found, "there is no user {}", id);
    return {};
  }

 private:
  std::map<int64_t, User> users_;
  int64_t last_ = 0;
};

std::string describe_portrait(const Portrait& portrait) {
  std::string text = fmt::format("{}: {}", portrait.id, portrait.caption);
  for (const rest::File& file : portrait.pictures) text += fmt::format(", {} ({}, {} bytes)", file.name, file.type, file.content.size());
  return text;
}

int main(int argc, char** argv) {
  // region: routes
  auto users = std::make_shared<Users>();
  auto api = std::make_shared<rest::Api>(rest::About{.title = "Users", .version = "1"});
  api->post("/users", [users](User user) { return users->add(std::move(user)); }).status(201).doc("Adds a user.");
  api->get("/users", [users](Search search) { return users->search(search); }).doc("Finds users.");
  api->get("/users/{id}", [users](Id asked) { return users->find(asked.id); }).doc("One user.");
  api->put("/users/{id}/name", [users](Rename change) { return users->rename(change); }).header("who", "x-who").doc("Renames a user.");
  api->del("/users/{id}", [users](Id asked) { return users->remove(asked.id); }).doc("Removes a user.");
  api->post("/users/{id}/portrait", [](const Portrait& portrait) { return describe_portrait(portrait); }).doc("Takes pictures, as a form.");
  // endregion
  api->get("/countdown",
           [](Countdown down, rest::Events& out) -> io::Task<Result<void>> {
             for (int32_t i = down.from; i > 0; --i) {
               co_await io::or_return(out.send(i, "tick"));
               co_await io::or_return(io::sleep_for(std::chrono::milliseconds(10)));
             }
             co_return Result<void>();
           })
      .doc("Counts down to one, as events.");
  // region: middleware
  auto server = rpc::Server{}.port(8080, {"http1", "h2"}).http(api).middleware([](http::Handler& next) {
    return std::make_unique<http::Limits>(next, http::LimitsOptions{.max_in_flight = 1000, .max_body = size_t{8} << 20});
  });
  // endregion
  return rpc::serve(argc, argv, std::move(server));
}
