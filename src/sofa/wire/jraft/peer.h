#pragma once
// The names of JRaft's nodes and the members of a group, as text (jraft.md 1.4).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"

namespace sofa::jraft {

/// A node of a group: "ip:port[:idx[:priority]]", "ip:port::priority" without an idx. The priority is no part of who it is.
struct PeerId {
  std::string ip = "0.0.0.0";  ///< as it was spelled; IPv6 in brackets. Nobody is "0.0.0.0:0"
  int port = 0;
  int idx = 0;
  int priority = kNoPriority;

  static constexpr int kNoPriority = -1;  ///< elections go by the log alone
  static constexpr int kNeverLeads = 0;

  /// Nothing for what is no name of a node.
  static std::optional<PeerId> parse(std::string_view text);
  std::string to_string() const;
  /// "ip:port": where it is reached.
  std::string address() const;
  bool is_nobody() const { return port == 0 && ip == "0.0.0.0"; }

  bool operator==(const PeerId& other) const { return port == other.port && idx == other.idx && ip == other.ip; }
  auto operator<=>(const PeerId& other) const {
    if (const auto by_ip = ip <=> other.ip; by_ip != 0) return by_ip;
    if (const auto by_port = port <=> other.port; by_port != 0) return by_port;
    return idx <=> other.idx;
  }
};

/// As the messages carry them.
std::vector<std::string> texts_of(const std::vector<PeerId>& peers);

/// Who votes, in order, and who only learns. Equality is that of the originals: the order of the peers counts.
struct Configuration {
  std::vector<PeerId> peers{};
  std::vector<PeerId> learners{};  ///< each once, in order

  /// "p1,p2,p3/learner". As the original: blanks around an item and empty items are passed over, and so are items that are no names, which `dropped`
  /// collects. Nothing for an empty text.
  static std::optional<Configuration> parse(std::string_view text, std::vector<std::string>* dropped = nullptr);
  std::string to_string() const;
  /// Somebody votes, and nobody is a peer and a learner at once.
  bool is_valid() const;
  bool empty() const { return peers.empty() && learners.empty(); }
  bool has_peer(const PeerId& peer) const;
  bool has_learner(const PeerId& peer) const;
  bool has(const PeerId& peer) const { return has_peer(peer) || has_learner(peer); }
  size_t quorum() const { return peers.size() / 2 + 1; }

  bool operator==(const Configuration&) const = default;
};

/// One member, and members, as a person has written them: unlike the original, what is no name is an error that says why, and nobody is dropped in
/// silence. Kinds of members that other implementations have and JRaft has not (witnesses) are refused with the reason.
Result<PeerId> read_member(std::string_view text);
Result<Configuration> read_members(std::string_view text);

/// "^[a-zA-Z][a-zA-Z0-9\\-_]*$"
bool is_group_name(std::string_view text);

}  // namespace sofa::jraft
