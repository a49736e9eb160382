#include "sofa/identity/identities.h"

#include "harness.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/io/task_group.h"

namespace sofa::identity {
namespace {

using io::or_return;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kRoot;
using ::testing::Not;
using ::testing::StartsWith;
using testing::World;

template <class T>
Code code_of(const Result<T>& result) {
  return result ? Code{} : result.error().code();
}

io::Task<Result<User>> add_ann(Identities& identities, std::vector<std::string> roles = {"viewer"}) {
  return identities.add_user(kRoot, {.name = "ann", .password = "correct horse", .roles = std::move(roles)});
}

TEST(Identities, AUserSignsInWithItsPasswordAloneAlsoAfterARestart) {
  World world;
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    EXPECT_EQ((co_await or_return(identities.authenticate("ann", "correct horse", "p"))).user, "ann");
    co_return Result<void>();
  });
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    EXPECT_TRUE(co_await identities.authenticate("ann", "correct horse", "p"));
    const auto wrong = co_await identities.authenticate("ann", "incorrect horse", "p");
    const auto unknown = co_await identities.authenticate("bob", "correct horse", "p");
    EXPECT_EQ(code_of(wrong), Code::unauthenticated);
    EXPECT_EQ(wrong.error().to_string(), unknown.error().to_string()) << "which of the two was wrong is not told";
    co_return Result<void>();
  });
}

TEST(Identities, NoSecretLiesOnTheDiskOrInTheLog) {
  const CapturedLog log;
  World world;
  std::vector<std::string> secrets{"correct horse", "wrong horse!"};
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    secrets.push_back((co_await or_return(identities.add_key(kRoot, {.owner = "ann"}))).secret);
    secrets.push_back((co_await or_return(identities.add_token(kRoot, {.owner = "ann"}))).secret);
    const auto refused = co_await identities.authenticate("ann", "wrong horse!", "p");
    EXPECT_THAT(refused.error().to_string(), Not(HasSubstr("wrong horse!")));
    co_return Result<void>();
  });
  const std::string disk = [&] {
    std::string all;
    for (const std::string& name : *world.files.list("/identity/log")) {
      const auto bytes = world.files.contents("/identity/log/" + name);
      all.append(bytes.begin(), bytes.end());
    }
    return all;
  }();
  ASSERT_THAT(disk, HasSubstr("$argon2id$")) << "the disk is looked at where passwords are";
  for (const std::string& secret : secrets) {
    EXPECT_EQ(disk.find(secret), std::string::npos);
    EXPECT_EQ(log.count(secret), 0u);
  }
}

TEST(Identities, ATokenStandsForItsOwnerUntilItExpiresOrIsRevoked) {
  World world;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    const int64_t in_a_minute = std::chrono::floor<std::chrono::milliseconds>(world.clock.now_wall()).time_since_epoch().count() + 60'000;
    const auto lasting = co_await or_return(identities.add_token(kRoot, {.owner = "ann"}));
    const auto brief = co_await or_return(identities.add_token(kRoot, {.owner = "ann", .expires_at_ms = in_a_minute}));
    EXPECT_THAT(lasting.secret, StartsWith("sofa_"));
    const auto subject = identities.authenticate_token(brief.secret);
    EXPECT_EQ(subject->user, "ann");
    EXPECT_TRUE(identities.check(*subject, "read", "services"));
    world.clock.advance(std::chrono::minutes(1));
    EXPECT_EQ(code_of(identities.authenticate_token(brief.secret)), Code::unauthenticated);
    EXPECT_TRUE(identities.authenticate_token(lasting.secret));
    EXPECT_EQ(code_of(identities.authenticate_token("sofa_nonsense")), Code::unauthenticated);
    co_await or_return(identities.remove_token(kRoot, lasting.made.id));
    EXPECT_EQ(code_of(identities.authenticate_token(lasting.secret)), Code::unauthenticated);
    EXPECT_EQ(code_of(co_await identities.add_token(kRoot, {.owner = "ann", .expires_at_ms = 5})), Code::invalid_argument);
    EXPECT_EQ(code_of(co_await identities.add_token(kRoot, {.owner = "bob"})), Code::not_found);
    co_return Result<void>();
  });
}

TEST(Identities, TheSecretOfAnAccessKeyIsThereInClearForItsServerAloneAndNotUnderAnotherNodeKey) {
  World world;
  WithSecret<AccessKey> key;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    key = co_await or_return(identities.add_key(kRoot, {.owner = "ann", .doc = "ci"}));
    co_return Result<void>();
  });
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    EXPECT_EQ(identities.key_secret(key.made.id).value(), key.secret);
    EXPECT_EQ(code_of(identities.key_secret("AKnone")), Code::unauthenticated);
    co_await or_return(identities.change_user(kRoot, "ann", {.disabled = true}));
    EXPECT_EQ(code_of(identities.key_secret(key.made.id)), Code::unauthenticated);
    co_return Result<void>();
  });
  world.node_key = NodeKey::of(std::array<uint8_t, NodeKey::kBytes>{8});
  const auto refused = world.try_run([](Identities&) -> io::Task<Result<void>> { co_return Result<void>(); });
  EXPECT_EQ(code_of(refused), Code::data_loss);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("put back the node key"));
}

TEST(Identities, AChangeCountsAtOnceForWhoHasSignedIn) {
  World world;
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    const auto token = co_await or_return(identities.add_token(kRoot, {.owner = "ann"}));
    const Subject ann{.user = "ann"};
    EXPECT_EQ(code_of(identities.check(ann, "write", "services")), Code::permission_denied);
    co_await or_return(identities.change_user(kRoot, "ann", {.roles = std::vector<std::string>{"operator"}}));
    EXPECT_TRUE(identities.check(ann, "write", "services"));
    co_await or_return(identities.change_user(kRoot, "ann", {.disabled = true}));
    EXPECT_EQ(code_of(identities.check(ann, "read", "services")), Code::unauthenticated);
    EXPECT_EQ(code_of(identities.authenticate_token(token.secret)), Code::unauthenticated);
    EXPECT_EQ(code_of(co_await identities.authenticate("ann", "correct horse", "p")), Code::unauthenticated);
    co_await or_return(identities.change_user(kRoot, "ann", {.password = "another horse", .disabled = false}));
    EXPECT_TRUE(co_await identities.authenticate("ann", "another horse", "p"));
    co_return Result<void>();
  });
}

TEST(Identities, ARemovedUserTakesItsKeysAndTokensAlong) {
  World world;
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    const auto key = co_await or_return(identities.add_key(kRoot, {.owner = "ann"}));
    const auto token = co_await or_return(identities.add_token(kRoot, {.owner = "ann"}));
    co_await or_return(identities.remove_user(kRoot, "ann"));
    EXPECT_EQ(code_of(identities.key_secret(key.made.id)), Code::unauthenticated);
    co_await or_return(add_ann(identities));
    EXPECT_EQ(code_of(identities.authenticate_token(token.secret)), Code::unauthenticated) << "one who comes later inherits nothing";
    co_return Result<void>();
  });
}

TEST(Identities, TheLastUserThatMayDoEverythingStays) {
  World world;
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities, {"admin"}));
    for (const UserChange& change : {UserChange{.disabled = true}, UserChange{.roles = std::vector<std::string>{"viewer"}}}) {
      EXPECT_EQ(code_of(co_await identities.change_user(kRoot, "ann", change)), Code::failed_precondition);
    }
    EXPECT_EQ(code_of(co_await identities.remove_user(kRoot, "ann")), Code::failed_precondition);
    co_await or_return(identities.add_user(kRoot, {.name = "bob", .password = "correct horse", .roles = {"admin"}}));
    EXPECT_TRUE(co_await identities.remove_user(kRoot, "ann"));
    co_return Result<void>();
  });
}

TEST(Identities, RefusesWhatIsWrongWithASentence) {
  World world;
  world.options.limits = {.users = 2, .keys = 3, .credentials_of_a_user = 2, .roles = 4, .namespaces = 1};
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    EXPECT_EQ(code_of(co_await identities.add_user(kRoot, {.name = "a b"})), Code::invalid_argument);
    EXPECT_EQ(code_of(co_await identities.add_user(kRoot, {.name = "a", .password = "short"})), Code::invalid_argument);
    EXPECT_EQ(code_of(co_await identities.add_user(kRoot, {.name = "a", .roles = {"boss"}})), Code::invalid_argument);
    EXPECT_EQ(code_of(co_await identities.add_user(kRoot, {.name = "a", .namespaces = {"loans"}})), Code::invalid_argument);
    co_await or_return(add_ann(identities));
    EXPECT_EQ(code_of(co_await add_ann(identities)), Code::already_exists);
    co_await or_return(identities.add_user(kRoot, {.name = "bob"}));
    EXPECT_EQ(code_of(co_await identities.add_user(kRoot, {.name = "eve"})), Code::resource_exhausted);
    EXPECT_EQ(code_of(co_await identities.change_user(kRoot, "eve", {})), Code::not_found);
    EXPECT_EQ(code_of(co_await identities.remove_user(kRoot, "eve")), Code::not_found);
    for (const Code expected : {Code{}, Code{}, Code::resource_exhausted}) {
      EXPECT_EQ(code_of(co_await identities.add_key(kRoot, {.owner = "ann"})), expected);
    }
    EXPECT_EQ(code_of(co_await identities.remove_key(kRoot, "AK0")), Code::not_found);
    EXPECT_EQ(code_of(co_await identities.put_role(kRoot, {.name = "own", .permissions = {"nonsense"}})), Code::invalid_argument);
    EXPECT_EQ(code_of(co_await identities.put_role(kRoot, {.name = "admin"})), Code::failed_precondition);
    EXPECT_EQ(code_of(co_await identities.remove_role(kRoot, "viewer")), Code::failed_precondition);
    co_await or_return(identities.put_role(kRoot, {.name = "own", .permissions = {"topics:write"}}));
    co_await or_return(identities.put_role(kRoot, {.name = "own", .permissions = {"topics:read"}}));
    EXPECT_EQ(code_of(co_await identities.put_role(kRoot, {.name = "more"})), Code::resource_exhausted);
    co_await or_return(identities.change_user(kRoot, "bob", {.roles = std::vector<std::string>{"own"}}));
    const auto in_use = co_await identities.remove_role(kRoot, "own");
    EXPECT_THAT(in_use.error().to_string(), HasSubstr("'bob' has the role 'own'"));
    co_await or_return(identities.add_namespace(kRoot, {.name = "loans"}));
    EXPECT_EQ(code_of(co_await identities.add_namespace(kRoot, {.name = "cards"})), Code::resource_exhausted);
    co_await or_return(identities.change_user(kRoot, "bob", {.namespaces = std::vector<std::string>{"loans"}}));
    EXPECT_EQ(code_of(co_await identities.remove_namespace(kRoot, "loans")), Code::failed_precondition);
    co_return Result<void>();
  });
}

TEST(Identities, WhoGuessesIsSlowedAndARightPasswordEndsIt) {
  World world;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(code_of(co_await identities.authenticate("ann", "guess no. 1", "p")), Code::unauthenticated);
    EXPECT_EQ(code_of(co_await identities.authenticate("ann", "correct horse", "p")), Code::resource_exhausted);
    world.clock.advance(std::chrono::seconds(1));
    EXPECT_TRUE(co_await identities.authenticate("ann", "correct horse", "p"));
    EXPECT_EQ(code_of(co_await identities.authenticate("ann", "guess no. 2", "p")), Code::unauthenticated);
    co_return Result<void>();
  });
}

TEST(Identities, PasswordsAreCheckedAFewAtOnceAndFewWait) {
  World world;
  world.options.max_hashing = 1;
  world.options.max_waiting = 2;
  world.options.attempts.free = 1'000;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    size_t right = 0, refused = 0;
    const auto sign_in = [&]() -> io::Task<void> {
      const auto subject = co_await identities.authenticate("ann", "correct horse", "p");
      ++(subject ? right : refused);
      if (!subject) EXPECT_EQ(subject.error().code(), Code::resource_exhausted);
    };
    io::TaskGroup group(co_await io::current_scope());
    for (int i = 0; i < 10; ++i) group.spawn("sign in", sign_in());
    co_await group.join();
    EXPECT_GE(right, 1u);
    EXPECT_GE(refused, 1u);
    EXPECT_EQ(right + refused, 10u);
    co_return Result<void>();
  });
}

TEST(Identities, EveryChangeAndEveryRefusedLoginIsAudited) {
  World world;
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    co_await or_return(identities.change_user(kRoot, "ann", {.password = "another horse"}));
    (void)co_await identities.authenticate("ann", "wrong horse", "10.0.0.9");
    (void)co_await identities.authenticate("nobody", "wrong horse", "10.0.0.9");
    (void)co_await identities.add_user(kRoot, {.name = "ann"});  // refused: no change
    co_return Result<void>();
  });
  world.run([](Identities& identities) -> io::Task<Result<void>> {
    const AuditPage page = co_await or_return(identities.audit({}));
    std::vector<std::string> told;
    for (const AuditEntry& entry : page.entries) told.push_back(fmt::format("{} {} {} {}", entry.actor, entry.action, entry.target, entry.peer));
    EXPECT_THAT(told,
                ElementsAre("nobody login nobody 10.0.0.9", "ann login ann 10.0.0.9", "root user.change ann 10.0.0.1", "root user.add ann 10.0.0.1"));
    EXPECT_EQ(page.entries[0].result, AuditResult::denied);
    EXPECT_EQ(page.entries[2].detail, "password");
    EXPECT_EQ(page.entries[3].at_ms, 1'577'836'800'000);
    co_return Result<void>();
  });
}

TEST(Identities, TheLastAdminThatCanSignInStays) {
  World world;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    const std::vector<std::string> admin{"admin"};
    co_await or_return(identities.add_user(kRoot, {.name = "ann", .password = "correct horse", .roles = admin}));
    co_await or_return(identities.add_user(kRoot, {.name = "robot", .roles = admin}));
    EXPECT_EQ(code_of(co_await identities.remove_user(kRoot, "ann")), Code::failed_precondition) << "robot has no password and no token";
    EXPECT_EQ(code_of(co_await identities.change_user(kRoot, "ann", {.disabled = true})), Code::failed_precondition);
    const auto weak = co_await or_return(identities.add_token(kRoot, {.owner = "robot", .roles = {"viewer"}}));
    EXPECT_EQ(code_of(co_await identities.remove_user(kRoot, "ann")), Code::failed_precondition) << "the token stands for less";
    const int64_t in_an_hour = std::chrono::floor<std::chrono::milliseconds>(world.clock.now_wall()).time_since_epoch().count() + 3'600'000;
    (void)co_await or_return(identities.add_token(kRoot, {.owner = "robot", .expires_at_ms = in_an_hour}));
    const auto lasting = co_await or_return(identities.add_token(kRoot, {.owner = "robot"}));
    co_await or_return(identities.remove_user(kRoot, "ann"));
    world.clock.advance(std::chrono::hours(2));
    const auto refused = co_await identities.remove_token(kRoot, lasting.made.id);
    EXPECT_EQ(code_of(refused), Code::failed_precondition) << "the other token has expired";
    EXPECT_THAT(refused.error().to_string(), HasSubstr("'robot' is the last user that may do everything and can sign in"));
    EXPECT_TRUE(identities.authenticate_token(lasting.secret));
    co_return Result<void>();
  });
}

TEST(Identities, TheAuditTakesSoManyRefusedLoginsAMinuteAndCountsTheRest) {
  World world;
  world.options.refused_a_minute = 3;
  world.options.attempts.free = 100;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    for (int i = 0; i < 10; ++i) (void)co_await identities.authenticate("ann", "wrong horse", "10.0.0.9");
    EXPECT_EQ((co_await or_return(identities.audit({}))).entries.size(), 3u);
    world.clock.advance(std::chrono::minutes(1));
    (void)co_await identities.authenticate("ann", "wrong horse", "10.0.0.9");
    const AuditPage page = co_await or_return(identities.audit({}));
    EXPECT_EQ(page.entries.size(), 4u);
    EXPECT_EQ(page.entries[0].detail, "and 7 before it that were not written");
    co_return Result<void>();
  });
}

TEST(Identities, TheFirstUserGetsARandomPasswordOnce) {
  World world;
  std::string password;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    password = (co_await or_return(identities.make_first_user())).value().password;
    EXPECT_EQ((co_await or_return(identities.authenticate("admin", password, "p"))).user, "admin");
    EXPECT_TRUE(identities.check({.user = "admin"}, "write", "users"));
    co_return Result<void>();
  });
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    EXPECT_FALSE((co_await or_return(identities.make_first_user())).has_value());
    co_return Result<void>();
  });
}

TEST(Identities, EveryShardReadsAndChangesAtTheSameTime) {
  World world;
  world.shards = 4;
  world.run([&](Identities& identities) -> io::Task<Result<void>> {
    co_await or_return(add_ann(identities));
    const auto token = co_await or_return(identities.add_token(kRoot, {.owner = "ann"}));
    std::atomic<bool> stop{false};
    std::thread reader([&] {
      while (!stop) {
        const auto subject = identities.authenticate_token(token.secret);
        if (!subject || !identities.check(*subject, "read", "services")) std::abort();
      }
    });
    io::Runtime& runtime = io::Shard::current().runtime();
    io::TaskGroup group(co_await io::current_scope());
    const auto work = [&](unsigned shard) -> io::Task<void> {
      auto done = co_await io::on(runtime.shard(shard), [&identities, shard]() -> io::Task<Result<void>> {
        for (int i = 0; i < 20; ++i) {
          const std::string name = fmt::format("u{}-{}", shard, i);
          co_await or_return(identities.add_user(kRoot, {.name = name}));
          EXPECT_NE(identities.directory()->user(name), nullptr);
        }
        co_return Result<void>();
      });
      EXPECT_TRUE(done);
    };
    for (unsigned i = 0; i < 4; ++i) group.spawn("change", work(i));
    co_await group.join();
    stop = true;
    reader.join();
    EXPECT_EQ(identities.directory()->users.size(), 81u);
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace sofa::identity
