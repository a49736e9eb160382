#pragma once
// Platform: what makes an application the platform. On its admin port are the console, the identities, and the processes that attach.
//
//   boot::Application app("sofa");
//   auto platform = co_await or_return(Platform::open({.data = folder}, app));
//   co_return co_await app.serve();

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/boot/application.h"
#include "sofa/identity/gate.h"
#include "sofa/identity/identities.h"
#include "sofa/identity/log_store.h"
#include "sofa/platform/overview.h"
#include "sofa/platform/processes.h"

namespace sofa::platform {

/// What the platform serves at its port. The admin API is always there.
enum class Role : uint8_t { admin, console };
void describe(EnumDescription<Role>& d);

/// `platform:` of the file.
struct PlatformSection {
  std::string data = "sofa-data";  ///< the folder of everything that is kept
  bool auth = false;               ///< who asks must prove who they are; else everybody is the user "dev"
  std::vector<Role> roles{};       ///< empty: all of them
  bool serves(Role role) const;
  static void describe(Description<PlatformSection>& d);
};

/// One role and where it is reached.
struct RoleRow {
  std::string role{}, address{}, next{};
  uint16_t port = 0;
  static void describe(Description<RoleRow>& d);
};

/// Belongs to the shard that opened it; outlives the application that it was added to, and is closed after that has stopped.
class Platform {
 public:
  /// Opens what is kept in the folder, which is made if missing, and adds itself to an application that is configured and not started. Errors name
  /// the folder.
  static io::Task<Result<std::unique_ptr<Platform>>> open(PlatformSection section, boot::Application& app);
  io::Task<Result<void>> close();

  /// Made when nobody in the folder may do everything, and somebody must prove who they are: shown once, kept nowhere.
  const std::optional<identity::Identities::FirstUser>& first_user() const { return first_user_; }
  /// Once the application has started: the overview is kept from now on, until the application begins to stop. Gives the roles, for a table.
  std::vector<RoleRow> begin(boot::RunningApplication& running);
  const PlatformSection& section() const { return section_; }

 private:
  explicit Platform(PlatformSection section) : section_(std::move(section)) {}
  /// `secure`: the admin port speaks TLS.
  io::Task<Result<void>> open_identities(bool secure);
  void add_to(boot::Application& app);
  std::string status_command() const;
  Result<void> may_attach(const std::string& token) const;
  io::Task<Result<std::string>> figures_of(std::string id) const;
  PlatformView view() const;

  const PlatformSection section_;
  std::unique_ptr<identity::LogStore> store_;
  std::unique_ptr<identity::Identities> identities_;
  std::shared_ptr<identity::IdentityGate> gate_;  // null without `auth`
  std::optional<identity::Identities::FirstUser> first_user_;
  std::string base_;       // of addresses: "http://127.0.0.1:"
  std::string own_token_;  // lets this process attach to itself
  Happenings happenings_{SystemClock::instance()};
  std::unique_ptr<Processes> processes_;
  std::shared_ptr<Overview> overview_;
  PlatformRow about_;
  const boot::Readiness* readiness_ = nullptr;  // of the application, once it has started
  boot::EventSubscription stopping_;
};

/// What `admin:` and `platform:` say where a file says nothing; other than an application's: `sofa config` knows it from here.
boot::AdminSection admin_defaults();
void add_section(boot::Configuration& configuration, const PlatformSection& defaults = {});

/// Before the application is configured: its admin port is 9900, and it attaches to itself; `platform:` is one of its sections.
void prepare(boot::Application& app, const PlatformSection& defaults = {});

}  // namespace sofa::platform
