#pragma once
// A map for pairs that come from outside: in the order in which they came, found by a hash that nobody outside knows.
//
//   HashMap<std::string, int64_t> counts;
//   counts["a"] = 1;
//   if (auto* pair = counts.find("a")) use(pair->second);

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/description.h"

namespace sofa::hessian {

namespace detail {

/// Secret of this process, from the system's random source.
uint64_t hash_secret();
/// Hash of bytes under the secret.
uint64_t hash_of(const char* at, size_t n, uint64_t secret);

inline uint64_t fold(uint64_t a, uint64_t b) {
  const auto wide = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(wide) ^ static_cast<uint64_t>(wide >> 64);
}
inline constexpr uint64_t kFoldKey = 0x9fb21c651e98df25u;

template <class K>
uint64_t hash_of_key(const K& key, uint64_t secret) {
  if constexpr (std::convertible_to<const K&, std::string_view>) {
    const std::string_view text = key;
    return hash_of(text.data(), text.size(), secret);
  } else {
    static_assert(std::integral<K> || std::is_enum_v<K>, "a HashMap has text, numbers or enums as keys; std::map takes any that can be ordered");
    return fold(static_cast<uint64_t>(key) ^ secret, kFoldKey ^ (secret << 1 | 1));
  }
}

}  // namespace detail

/// What Java calls a HashMap (or LinkedHashMap): the pairs lie in one row in the order in which their keys were first set, so a decoded map is
/// encoded again byte for byte. The hash is seeded for each process: keys made to collide elsewhere do not here, and any input is read in linear
/// time. Adding a pair moves the others, as a vector does. One thread at a time.
template <class K, class V>
class HashMap {
 public:
  using key_type = K;
  using mapped_type = V;
  using value_type = std::pair<K, V>;

  HashMap() = default;
  HashMap(std::initializer_list<value_type> pairs) {
    for (const value_type& pair : pairs) (*this)[pair.first] = pair.second;
  }

  /// Keys must not be changed through these.
  auto begin() { return pairs_.begin(); }
  auto end() { return pairs_.end(); }
  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }
  size_t size() const { return pairs_.size(); }
  bool empty() const { return pairs_.empty(); }
  void clear() {
    pairs_.clear();
    slots_.clear();
  }
  void reserve(size_t n) {
    pairs_.reserve(n);
    if (n > kUnindexed && slots_.size() < n * 2) index(pairs_.size(), n);
  }

  /// The pair with that key, or null.
  template <class Key>
  value_type* find(const Key& key) {
    const size_t at = place_of(key);
    return at == kNowhere ? nullptr : &pairs_[at];
  }
  template <class Key>
  const value_type* find(const Key& key) const {
    return const_cast<HashMap*>(this)->find(key);
  }
  template <class Key>
  bool contains(const Key& key) const {
    return find(key) != nullptr;
  }
  V& operator[](const K& key) {
    if (value_type* known = find(key)) return known->second;
    pairs_.emplace_back(key, V{});
    take_last();
    return pairs_.back().second;
  }
  /// Takes time in proportion to the size of the map.
  template <class Key>
  bool erase(const Key& key) {
    const size_t at = place_of(key);
    if (at == kNowhere) return false;
    pairs_.erase(pairs_.begin() + static_cast<ptrdiff_t>(at));
    if (!slots_.empty()) index(pairs_.size(), pairs_.size());
    return true;
  }
  /// The same pairs, in any order.
  friend bool operator==(const HashMap& a, const HashMap& b) {
    return a.size() == b.size() && std::ranges::all_of(a, [&](const value_type& pair) {
             const value_type* other = b.find(pair.first);
             return other != nullptr && other->second == pair.second;
           });
  }

  /// The contract of MapOps::insert: the pair is filled where it will stay.
  bool insert_filled(void* context, bool (*fill)(void*, void*, void*)) {
    value_type& pair = pairs_.emplace_back();
    if (!fill(context, &pair.first, &pair.second)) {
      pairs_.pop_back();
      return false;
    }
    take_last();
    return true;
  }

 private:
  static constexpr size_t kUnindexed = 8;  // so few pairs are looked through
  static constexpr size_t kNowhere = SIZE_MAX;
  struct Slot {
    uint32_t hash;
    uint32_t place;  // + 1; 0: free
  };

  template <class Key>
  Slot& slot_of(const Key& key, uint32_t hash) {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.place == 0 || (slot.hash == hash && pairs_[slot.place - 1].first == key)) return slot;
    }
  }
  template <class Key>
  static uint32_t hash_of(const Key& key) {
    static const uint64_t secret = detail::hash_secret();
    return static_cast<uint32_t>(detail::hash_of_key(key, secret));
  }

  template <class Key>
  size_t place_of(const Key& key) {
    if (slots_.empty()) {
      for (size_t i = 0; i < pairs_.size(); ++i) {
        if (pairs_[i].first == key) return i;
      }
      return kNowhere;
    }
    return size_t{slot_of(key, hash_of(key)).place} - 1;
  }

  /// Builds the index of the first `count` pairs anew, with room for n.
  void index(size_t count, size_t n) {
    size_t slots = 32;
    while (slots < n * 2) slots *= 2;
    slots_.assign(slots, Slot{});
    for (size_t i = 0; i < count; ++i) {
      const uint32_t hash = hash_of(pairs_[i].first);
      slot_of(pairs_[i].first, hash) = {hash, static_cast<uint32_t>(i + 1)};
    }
  }

  /// Enters the last pair into the index; a pair whose key is there already gives it its value and goes.
  void take_last() {
    const size_t last = pairs_.size() - 1;
    const K& key = pairs_[last].first;
    if (slots_.empty() && last < kUnindexed) {
      for (size_t i = 0; i < last; ++i) {
        if (pairs_[i].first == key) return replace(i);
      }
      return;
    }
    if (slots_.size() < pairs_.size() * 2) index(last, pairs_.size() * 2);
    const uint32_t hash = hash_of(key);
    Slot& slot = slot_of(key, hash);
    if (slot.place != 0) return replace(slot.place - 1);
    slot = {hash, static_cast<uint32_t>(last + 1)};
  }
  void replace(size_t place) {
    pairs_[place].second = std::move(pairs_.back().second);
    pairs_.pop_back();
  }

  std::vector<value_type> pairs_;
  std::vector<Slot> slots_;  // empty while the pairs are few; else a power of two, at most half full
};

}  // namespace sofa::hessian

namespace sofa {
template <class K, class V>
struct TypeTraits<hessian::HashMap<K, V>> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { detail::fill_map<hessian::HashMap<K, V>>(type); }
};
}  // namespace sofa
