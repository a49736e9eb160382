#include "sofa/identity/attempts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <iterator>

namespace sofa::identity {

namespace {

std::string key_of_name(std::string_view name) { return fmt::format("n{}", name); }
/// Of IPv6 the network of 64 bits: who has one address there has all of them.
std::string key_of_peer(std::string_view peer) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, std::string(peer).c_str(), &address) != 1) return fmt::format("p{}", peer);
  std::fill(std::begin(address.s6_addr) + 8, std::end(address.s6_addr), uint8_t{0});
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, &address, text, sizeof(text));
  return fmt::format("p{}/64", text);
}

}  // namespace

const Attempts::Entry* Attempts::find(const std::string& key, Instant now) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || now - found->second->last > options_.forget_after) return nullptr;
  return &*found->second;
}

Attempts::Entry& Attempts::entry(std::string key, Instant now) {
  if (const auto found = entries_.find(key); found != entries_.end()) {
    order_.splice(order_.end(), order_, found->second);
    if (now - found->second->last > options_.forget_after) *found->second = {.key = std::move(key)};
    return *found->second;
  }
  if (entries_.size() >= options_.max_entries) {
    entries_.erase(order_.front().key);
    order_.pop_front();
  }
  order_.push_back({.key = key});
  entries_.emplace(std::move(key), std::prev(order_.end()));
  return order_.back();
}

void Attempts::count(std::string key, Duration most_delay, Instant now) {
  Entry& one = entry(std::move(key), now);
  one.last = now;
  if (++one.failures <= options_.free) return;
  Duration delay = options_.first_delay;
  for (unsigned i = options_.free + 1; i < one.failures && delay < most_delay; ++i) delay *= 2;
  one.blocked_until = now + std::min(delay, most_delay);
}

Result<void> Attempts::begin(std::string_view name, std::string_view peer, Instant now) {
  for (const std::string& key : {key_of_name(name), key_of_peer(peer)}) {
    const Entry* const known = find(key, now);
    if (known == nullptr || known->blocked_until <= now) continue;
    const auto left = std::chrono::ceil<std::chrono::seconds>(known->blocked_until - now);
    return fail(Code::resource_exhausted, "too many wrong passwords {} '{}': try again in {} s", key[0] == 'n' ? "for" : "from", key.substr(1),
                left.count());
  }
  count(key_of_name(name), options_.most_delay_of_name, now);
  count(key_of_peer(peer), options_.most_delay_of_peer, now);
  return {};
}

void Attempts::succeeded(std::string_view name, std::string_view peer) {
  if (const auto found = entries_.find(key_of_name(name)); found != entries_.end()) forget(found);
  uncount(key_of_peer(peer));  // one who guesses at others' names and has a name of their own gains nothing by signing in between
}

void Attempts::take_back(std::string_view name, std::string_view peer) {
  uncount(key_of_name(name));
  uncount(key_of_peer(peer));
}

void Attempts::uncount(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  if (found->second->failures <= 1) return forget(found);
  --found->second->failures;
  found->second->blocked_until = Instant{};  // an attempt is taken only when the block before has passed
}

void Attempts::forget(Index::iterator which) {
  order_.erase(which->second);
  entries_.erase(which);
}

}  // namespace sofa::identity
