#include "sofa/sim/network.h"

#include <algorithm>
#include <cmath>

namespace sofa::sim {

Network::Network(World& world, int machines, int channels)
    : world_(world),
      random_(world.random("network")),
      channels_(static_cast<size_t>(channels)),
      up_(static_cast<size_t>(machines)),
      blocked_(up_.size() * up_.size()),
      clogged_until_(blocked_.size()),
      black_until_(blocked_.size()),
      slots_(blocked_.size() * channels_) {}

Network::End Network::end_of(size_t slot) const {
  const size_t link = slot / channels_;
  return {.connection = slots_[slot].id,
          .from = static_cast<int>(link / up_.size()),
          .to = static_cast<int>(link % up_.size()),
          .channel = static_cast<int>(slot % channels_)};
}

Duration Network::exponential(Duration mean) {
  return Duration(static_cast<int64_t>(-std::log(1 - random_.unit()) * static_cast<double>(mean.count())));
}

uint64_t Network::connect(int from, int to, int channel) {
  const size_t at = slot(from, to, channel);
  if (slots_[at].id != 0) return slots_[at].id;
  if (!is_up(to)) return 0;
  slots_[at] = {};
  slots_[at].id = ++opened_ * slots_.size() + at;
  // A round trip before the first message leaves.
  for (Direction& way : slots_[at].ways) way.last = world_.now() + 2 * shape.least_delay;
  return slots_[at].id;
}

bool Network::strikes(std::string_view fault, size_t slot) {
  const End end = end_of(slot);
  return world_.fault(fault, "from {} to {}, channel {}", end.from, end.to, end.channel);
}

bool Network::send(uint64_t connection, Way way, size_t bytes, Action deliver) {
  const size_t at = slot_of(connection);
  Connection& one = slots_[at];
  if (connection == 0 || one.id != connection) return false;
  Direction& direction = one.ways[static_cast<size_t>(way)];
  if (direction.under_way + bytes > shape.capacity && direction.under_way > 0) return false;
  ++messages_;
  direction.under_way += bytes;
  if (shape.broken > 0 && random_.chance(shape.broken) && strikes("a connection breaks", at)) {
    // What came before it may arrive, or its beginning only: either way this message is lost.
    world_.after(exponential(shape.mean_delay), [this, connection] { reset(connection); });
    return true;
  }
  if (shape.black_hole > 0 && !one.dead && random_.chance(shape.black_hole) && strikes("a connection becomes a black hole", at)) die(at);
  if (one.dead) return true;
  schedule(at, way, bytes, std::move(deliver));
  return true;
}

/// From now on nothing arrives, and in the end both sides learn it.
void Network::die(size_t slot) {
  slots_[slot].dead = true;
  const Instant end = world_.now() + exponential(shape.black_hole_mean);
  world_.at(end, [this, connection = slots_[slot].id] { reset(connection); });
  const End of = end_of(slot);
  Instant& until = black_until_[link(of.from, of.to)];
  until = std::max(until, end);
}

Instant Network::disturbed_until(int one, int other) const {
  const size_t there = link(one, other), back = link(other, one);
  return std::max({clogged_until_[there], clogged_until_[back], black_until_[there], black_until_[back]});
}

void Network::schedule(size_t slot, Way way, size_t bytes, Action deliver) {
  const End end = end_of(slot);
  Instant& clogged = clogged_until_[way == Way::there ? link(end.from, end.to) : link(end.to, end.from)];
  if (shape.clogged > 0 && random_.chance(shape.clogged)) {
    const Duration length = exponential(shape.clogged_mean);
    if (strikes("a link is clogged", slot)) clogged = std::max(clogged, world_.now() + length);
  }
  const Duration transfer(static_cast<int64_t>(static_cast<double>(bytes) / shape.bytes_per_second * 1e9));
  Direction& direction = slots_[slot].ways[static_cast<size_t>(way)];
  const Instant leaves = std::max(world_.now(), clogged);
  direction.last = std::max(direction.last + Duration(1), leaves + transfer + shape.least_delay + exponential(shape.mean_delay));
  direction.queue.push_back({.due = direction.last, .bytes = bytes, .deliver = std::move(deliver)});
  world_.at(direction.last, [this, slot, connection = end.connection, way] { arrive(slot, connection, way); });
}

/// All that is due, in order, unless the link carries nothing.
void Network::arrive(size_t slot, uint64_t connection, Way way) {
  const Connection& one = slots_[slot];
  const End end = end_of(slot);
  const auto stopped = [&] {
    return one.id != connection || one.dead || (way == Way::there ? is_blocked(end.from, end.to) : is_blocked(end.to, end.from));
  };
  while (!stopped()) {
    Direction& direction = slots_[slot].ways[static_cast<size_t>(way)];
    if (direction.queue.empty() || direction.queue.front().due > world_.now()) return;
    Message message = std::move(direction.queue.front());
    direction.queue.pop_front();
    direction.under_way -= message.bytes;
    message.deliver();
  }
}

void Network::reset(uint64_t connection) {
  const size_t at = slot_of(connection);
  if (connection == 0 || slots_[at].id != connection) return;
  const End end = end_of(at);
  slots_[at] = {};
  ++breaks_;
  if (on_broken) on_broken(end);
}

void Network::set_up(int machine) {
  // What it does not know any more it answers with a reset.
  set_down(machine, false);
  up_[static_cast<size_t>(machine)] = true;
}

void Network::set_down(int machine, bool power_lost) {
  up_[static_cast<size_t>(machine)] = false;
  for (size_t at = 0; at < slots_.size(); ++at) {
    if (slots_[at].id == 0) continue;
    const End end = end_of(at);
    if (end.from != machine && end.to != machine) continue;
    if (!power_lost) {
      reset(end.connection);
    } else if (!slots_[at].dead) {
      die(at);
    }
  }
}

void Network::heal() {
  std::fill(blocked_.begin(), blocked_.end(), false);
  for (size_t at = 0; at < slots_.size(); ++at) {
    const uint64_t connection = slots_[at].id;
    const auto waits = [&](Way way) {
      const auto& queue = slots_[at].ways[static_cast<size_t>(way)].queue;
      return !queue.empty() && queue.front().due <= world_.now();
    };
    if (connection == 0 || (!waits(Way::there) && !waits(Way::back))) continue;
    if (random_.chance(shape.broken_at_heal) && strikes("a connection breaks when its link heals", at)) {
      reset(connection);
      continue;
    }
    for (const Way way : {Way::there, Way::back}) {
      world_.after(exponential(shape.mean_delay), [this, at, connection, way] { arrive(at, connection, way); });
    }
  }
}

void Network::isolate(int machine, const std::vector<int>& from) {
  for (const int other : from) {
    if (other != machine) block(machine, other), block(other, machine);
  }
}

void Network::split(std::vector<int> machines) {
  std::ranges::shuffle(machines, random_);
  const size_t half = machines.size() < 2 ? 0 : 1 + random_.uniform(machines.size() - 1);
  for (size_t i = 0; i < half; ++i) {
    for (size_t j = half; j < machines.size(); ++j) block(machines[i], machines[j]), block(machines[j], machines[i]);
  }
}

void Network::bridge(std::vector<int> machines) {
  std::ranges::shuffle(machines, random_);
  machines.pop_back();
  const size_t half = machines.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    for (size_t j = half; j < machines.size(); ++j) block(machines[i], machines[j]), block(machines[j], machines[i]);
  }
}

void Network::ring(std::vector<int> machines) {
  std::ranges::shuffle(machines, random_);
  const size_t all = machines.size(), near = (all / 2 + 1) / 2;
  for (size_t i = 0; i < all; ++i) {
    for (size_t j = 0; j < all; ++j) {
      const size_t apart = std::min((i + all - j) % all, (j + all - i) % all);
      if (apart > near) block(machines[i], machines[j]);
    }
  }
}

void Network::one_way(int machine, const std::vector<int>& others, bool hears) {
  for (const int other : others) {
    if (other != machine) hears ? block(machine, other) : block(other, machine);
  }
}

}  // namespace sofa::sim
