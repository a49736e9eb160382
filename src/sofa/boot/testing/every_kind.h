#pragma once
// A configuration with sections of every kind of value, for tests of what files may say.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/log.h"
#include "sofa/base/log_levels.h"
#include "sofa/boot/configuration.h"

namespace sofa::boot::testing {

enum class Sync : uint8_t { never, batch, always };
inline void describe(EnumDescription<Sync>& d) {
  d.value("never", Sync::never).value("batch", Sync::batch, "one for many writes").value("always", Sync::always);
}

/// Held by lists and maps, and holds itself.
struct Peer {
  std::string host;
  uint16_t port = 12200;
  std::vector<Peer> behind;
  static void describe(Description<Peer>& d) {
    d.field("host", &Peer::host).required();
    d.field("port", &Peer::port).range(1, 65535);
    d.field("behind", &Peer::behind);
  }
};

struct Limits {
  uint16_t port = 12200;
  int8_t offset = 0;
  uint64_t memory = 64 << 20;
  uint32_t timeout = 3000;
  double ratio = 0.5;
  bool verbose = false;
  static void describe(Description<Limits>& d) {
    d.doc("Numbers and their ranges.");
    d.field("port", &Limits::port).alias("listen_port");
    d.field("offset", &Limits::offset);
    d.field("memory", &Limits::memory).unit("bytes").at_least(4096).live();
    d.field("timeout", &Limits::timeout).unit("ms").range(1, 60'000).live();
    d.field("ratio", &Limits::ratio).range(0, 1);
    d.field("verbose", &Limits::verbose);
  }
};

struct Journal {
  std::string folder;
  Sync sync = Sync::batch;
  std::vector<std::string> copies;
  std::map<std::string, uint32_t> weights;
  std::map<uint16_t, std::string> names;
  std::optional<uint16_t> spare;
  std::string password;
  std::vector<uint8_t> key;
  std::vector<Peer> peers;
  std::map<std::string, Peer> named;
  static void describe(Description<Journal>& d) {
    d.doc("Texts, lists and mappings.");
    d.field("folder", &Journal::folder).required().doc("where it is kept");
    d.field("sync", &Journal::sync);
    d.field("copies", &Journal::copies);
    d.field("weights", &Journal::weights);
    d.field("names", &Journal::names);
    d.field("spare", &Journal::spare);
    d.field("password", &Journal::password).secret();
    d.field("key", &Journal::key);
    d.field("peers", &Journal::peers);
    d.field("named", &Journal::named);
  }
};

inline void add_every_kind(Configuration& configuration) {
  configuration.add<Limits>("limits");
  configuration.add<Journal>("store.journal");
  configuration.add<LogOptions>("log");
  configuration.check<std::string>("log.levels", [](const std::string& levels) { return check_log_levels(levels); });
}

}  // namespace sofa::boot::testing
