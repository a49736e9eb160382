#include "sofa/wire/jraft/peer.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "sofa/base/text.h"

namespace sofa::jraft {

namespace {

constexpr std::string_view kLearner = "/learner";

/// Cuts at the colons outside of brackets; trailing empty parts are none, as Java's split has it.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  bool inside = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] == '[' || text[i] == ']')) inside = text[i] == '[';
    if (i < text.size() && (text[i] != ':' || inside)) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  while (!parts.empty() && parts.back().empty()) parts.pop_back();
  return parts;
}

/// What begins with a bracket is an IPv6 address in brackets, whole; everything else is a name or IPv4 (jraft.md 1.4).
bool is_host(std::string_view text) {
  if (!text.starts_with('[')) return !text.empty();
  in6_addr address{};
  return text.ends_with(']') && ::inet_pton(AF_INET6, std::string(text.substr(1, text.size() - 2)).c_str(), &address) == 1;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool contains(const std::vector<PeerId>& peers, const PeerId& peer) { return std::ranges::find(peers, peer) != peers.end(); }

}  // namespace

std::optional<PeerId> PeerId::parse(std::string_view text) {
  const auto parts = parts_of(text);
  if (parts.size() < 2 || parts.size() > 4 || !is_host(parts[0])) return std::nullopt;
  PeerId peer{.ip = std::string(parts[0])};
  const auto read = [&](size_t part, int& into) {
    if (part >= parts.size() || (part == 2 && parts[2].empty())) return true;
    const auto number = whole_number<int>(parts[part]);
    if (number) into = *number;
    return number.has_value();
  };
  if (!read(1, peer.port) || !read(2, peer.idx) || !read(3, peer.priority)) return std::nullopt;
  if (peer.port < 0 || peer.port > 65'535) return std::nullopt;
  return peer;
}

std::string PeerId::address() const { return fmt::format("{}:{}", ip, port); }

std::string PeerId::to_string() const {
  std::string text = address();
  if (idx != 0) text += fmt::format(":{}", idx);
  if (priority != kNoPriority) text += fmt::format("{}:{}", idx == 0 ? ":" : "", priority);
  return text;
}

std::optional<Configuration> Configuration::parse(std::string_view text, std::vector<std::string>* dropped) {
  if (trimmed(text).empty()) return std::nullopt;
  Configuration made;
  while (!text.empty()) {
    const std::string_view item = trimmed(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(text.size(), text.find(',') == std::string_view::npos ? text.size() : text.find(',') + 1));
    if (item.empty()) continue;
    const bool learns = item.ends_with(kLearner);
    const auto peer = PeerId::parse(learns ? item.substr(0, item.size() - kLearner.size()) : item);
    if (!peer) {
      if (dropped != nullptr) dropped->emplace_back(item);
    } else if (!learns) {
      made.peers.push_back(*peer);
    } else if (!contains(made.learners, *peer)) {
      made.learners.push_back(*peer);
    }
  }
  return made;
}

std::string Configuration::to_string() const {
  std::string text;
  for (const PeerId& peer : peers) text += fmt::format("{}{}", text.empty() ? "" : ",", peer.to_string());
  for (const PeerId& learner : learners) text += fmt::format("{}{}{}", text.empty() ? "" : ",", learner.to_string(), kLearner);
  return text;
}

bool Configuration::is_valid() const {
  return !peers.empty() && std::ranges::none_of(peers, [&](const PeerId& peer) { return contains(learners, peer); });
}

bool Configuration::has_peer(const PeerId& peer) const { return contains(peers, peer); }
bool Configuration::has_learner(const PeerId& peer) const { return contains(learners, peer); }

Result<PeerId> read_member(std::string_view text) {
  text = trimmed(text);
  if (auto peer = PeerId::parse(text); peer && !peer->is_nobody()) return *std::move(peer);
  if (text.ends_with("/witness")) {
    return fail(Code::invalid_argument,
                "'{}': there are no witnesses. One would vote and have no entries, so that an entry could be on a single disk and count as safe, and "
                "nodes of JRaft would take it for a whole member. Make it a peer that never leads (IP:PORT::0), or a learner (IP:PORT/learner)",
                text);
  }
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    return fail(Code::invalid_argument, "'{}': '{}' is no kind of member; behind the name of a peer stands nothing, behind a learner's '{}'", text,
                text.substr(slash), kLearner);
  }
  return fail(Code::invalid_argument,
              "'{}' is no member of a group; it must have the form IP:PORT[:IDX[:PRIORITY]], like 10.0.0.1:8700 or [2001:db8::1]:8700", text);
}

Result<Configuration> read_members(std::string_view text) {
  std::vector<std::string> dropped;
  auto members = Configuration::parse(text, &dropped);
  for (const std::string& item : dropped) {
    if (auto member = read_member(item); !member) return forward_error(member);
  }
  if (!members || members->empty()) {
    return fail(Code::invalid_argument, "'{}' names nobody: it takes members like 10.0.0.1:8700,10.0.0.2:8700", trimmed(text));
  }
  if (members->has(PeerId())) return fail(Code::invalid_argument, "'{}' is nobody's name, and no member of a group", PeerId().to_string());
  return *std::move(members);
}

bool is_group_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

std::vector<std::string> texts_of(const std::vector<PeerId>& peers) {
  std::vector<std::string> texts;
  texts.reserve(peers.size());
  for (const PeerId& peer : peers) texts.push_back(peer.to_string());
  return texts;
}

}  // namespace sofa::jraft
