#pragma once
// How many calls of one service run at a time on one shard (ServiceOptions::concurrents), and which of the others wait.
//
// A call that finds a free place runs. Else it waits, when its wait, as the time of the last calls lets one expect it, takes at most half of the time
// that it has to spare before its deadline: so the queue stays short under overload, and what is answered is answered in time. What waits is served
// by priority, then in the order of its coming; a call that could no longer end in time when its turn comes is refused then.
//
// Belongs to its shard.

#include <list>
#include <map>
#include <optional>

#include "sofa/io/sync.h"
#include "sofa/rpc/server.h"

namespace sofa::rpc::detail {

/// Attached to the error of a call that a limit refused before anything was carried out: a protocol that has a status for it answers with that.
struct Refused : ErrorDetail {};
/// Code::unavailable with that detail.
Error refusal(std::string_view sentence);
/// What calls.h counts an error as: busy is resource_exhausted over every protocol, whatever its callers get.
inline Code counted_as(const Error& error) { return error.detail<Refused>() == nullptr ? error.code() : Code::resource_exhausted; }

class Admission {
 public:
  /// The options outlive it; their concurrents is not 0.
  Admission(std::string_view service, const ServiceOptions& options) : service_(service), options_(options) {}

  /// The place of a call that runs; gives it free when destroyed.
  class [[nodiscard]] Place {
   public:
    explicit Place(Admission& owner) : owner_(&owner), begun_(io::Shard::current().now()) {}
    Place(Place&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), begun_(other.begun_) {}
    /// How long it is held says nothing about other calls: those of a stream.
    void leave_out_of_average() { begun_.reset(); }
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (owner_ != nullptr) owner_->leave(begun_);
    }

   private:
    Admission* owner_;
    std::optional<Instant> begun_;
  };

  /// Fails with Code::unavailable and Refused for a call that must not wait, or was refused while it did; else as its scope was cancelled.
  Task<Result<Place>> enter(const Context& context);

  /// Whether a further call has to wait.
  bool is_full() const { return running_ >= options_.concurrents; }
  size_t running() const { return running_; }
  size_t waiting() const { return waiting_; }

 private:
  enum class Fate : uint8_t { waits, runs, refused };
  struct Waiter {
    Deadline deadline;
    io::Event decided;
    Fate fate = Fate::waits;
  };
  using Line = std::list<Waiter*>;

  size_t ahead_of(int priority) const;
  bool has_time_to_wait(Deadline deadline, size_t ahead) const;
  /// Whether there is room for one more to wait, if need be instead of the last of a lower priority.
  bool make_room(int priority);
  Task<Result<Place>> wait(Deadline deadline, int priority);
  void leave(std::optional<Instant> begun);
  void give_place();
  void let_next_in();
  void decide(Waiter& waiter, Fate fate);
  Error refuse(std::string_view reason) const;

  const std::string service_;
  const ServiceOptions& options_;
  size_t running_ = 0;
  size_t waiting_ = 0;
  Duration usual_{0};                            // how long calls run, a moving average; 0 until one has ended
  std::map<int, Line, std::greater<>> waiters_;  // by priority; no line is empty
};

}  // namespace sofa::rpc::detail
