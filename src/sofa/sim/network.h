#pragma once
// Network: machines 0 .. n-1 and the connections between them, as TCP gives them: what is sent one way arrives in order or, once the connection has
// broken, not at all. Only messages of different connections overtake each other. A message is never repeated by the network; who sends one again
// after a break does that by itself.
//
//   const uint64_t connection = network.connect(0, 1, kRaft);       // the one that is there, or a new one; 0: nobody listens
//   network.send(connection, Way::there, bytes, [&] { receive(); });
//   network.send(connection, Way::back, bytes, [&] { answered(); });
//
// Bad things: delays, clogged links, a narrow or full link, breaks that lose what is under way, connections that have died without anybody knowing
// (black holes), and links that carry nothing for a while: what was sent meanwhile comes later, in order, or the connection breaks then.

#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "sofa/sim/world.h"

namespace sofa::sim {

enum class Way : uint8_t { there, back };

/// How bad every link is. Probabilities are for each message.
struct NetworkShape {
  Duration least_delay = std::chrono::microseconds(200);
  Duration mean_delay = std::chrono::microseconds(300);  ///< beside the least, exponential
  double bytes_per_second = 100e6;
  size_t capacity = size_t{8} << 20;  ///< bytes under way on one connection, one way; what is over it is refused
  double broken = 0;                  ///< the connection breaks; both ends learn of it at once
  double black_hole = 0;              ///< nothing arrives from now on; both ends learn of it after about `black_hole_mean`
  Duration black_hole_mean = std::chrono::seconds(2);
  double clogged = 0;  ///< the link stands still for about `clogged_mean`
  Duration clogged_mean = std::chrono::milliseconds(300);
  double broken_at_heal = 0.5;  ///< of a connection with something under way when its link carries again
};

class Network {
 public:
  /// Of a connection that has broken, from the machine `from`.
  struct End {
    uint64_t connection = 0;
    int from = 0, to = 0, channel = 0;
  };
  Network(World& world, int machines, int channels);

  NetworkShape shape{};
  /// A connection has broken: whoever waits for something on it waits in vain.
  std::function<void(const End&)> on_broken{};

  /// The connection from a machine to another one, of a channel; opened where there is none. 0: the machine is down.
  uint64_t connect(int from, int to, int channel);
  /// False, and nothing is sent: the connection is no more, or full.
  bool send(uint64_t connection, Way way, size_t bytes, Action deliver);
  /// It breaks now.
  void reset(uint64_t connection);

  /// A machine comes, or goes: with its process alone every other end learns it at once, with its power only after a while.
  void set_up(int machine);
  void set_down(int machine, bool power_lost);
  bool is_up(int machine) const { return up_[static_cast<size_t>(machine)]; }

  // Links that carry nothing, each for one direction.
  void block(int from, int to) { blocked_[link(from, to)] = true; }
  bool is_blocked(int from, int to) const { return blocked_[link(from, to)]; }
  void heal();
  /// What is sent over this link from now on does not leave before then.
  void clog(int from, int to, Duration length) { clogged_until_[link(from, to)] = world_.now() + length; }
  /// The link between two machines is clogged in some direction, or a connection between them is a black hole, until then, or was. For who judges
  /// whether those who wait have an excuse.
  Instant disturbed_until(int one, int other) const;
  // Partitions of some machines; what others may reach stays as it is.
  void isolate(int machine, const std::vector<int>& from);
  /// Two halves that do not see each other.
  void split(std::vector<int> machines);
  /// Two halves that do not see each other, and one machine that both see.
  void bridge(std::vector<int> machines);
  /// Each machine sees a majority, no two the same.
  void ring(std::vector<int> machines);
  /// One machine is heard by nobody, or hears nobody.
  void one_way(int machine, const std::vector<int>& others, bool hears);

  uint64_t messages() const { return messages_; }
  uint64_t breaks() const { return breaks_; }

 private:
  struct Message {
    Instant due{};  // where the link carries
    size_t bytes = 0;
    Action deliver;
  };
  struct Direction {
    Instant last{};  // the newest message is due then
    size_t under_way = 0;
    std::deque<Message> queue;
  };
  struct Connection {
    uint64_t id = 0;  // 0: there is none
    bool dead = false;
    Direction ways[2];
  };
  size_t link(int from, int to) const { return static_cast<size_t>(from) * up_.size() + static_cast<size_t>(to); }
  size_t slot(int from, int to, int channel) const { return link(from, to) * channels_ + static_cast<size_t>(channel); }
  size_t slot_of(uint64_t connection) const { return static_cast<size_t>(connection % slots_.size()); }
  End end_of(size_t slot) const;
  Duration exponential(Duration mean);
  bool strikes(std::string_view fault, size_t slot);
  void schedule(size_t slot, Way way, size_t bytes, Action deliver);
  void arrive(size_t slot, uint64_t connection, Way way);
  void die(size_t slot);

  World& world_;
  Random& random_;
  size_t channels_;
  std::vector<bool> up_, blocked_;
  std::vector<Instant> clogged_until_, black_until_;  // by link; of connections that the first machine has opened
  std::vector<Connection> slots_;
  uint64_t opened_ = 0, messages_ = 0, breaks_ = 0;
};

}  // namespace sofa::sim
