#pragma once
// GET /v1/events?watch=PATH&watch=PATH[&period_ms=1000]: what other GET routes answer, told whenever it has changed: one connection of a browser for
// all live values of a page. Each event is {"path", "status", "body"}; every path is asked for as its caller, with the permission that it needs.

#include <string>
#include <variant>
#include <vector>

#include "sofa/admin/detail/gatekeeper.h"
#include "sofa/admin/detail/places.h"
#include "sofa/http/body.h"

namespace sofa::admin::detail {

struct WatchOptions {
  size_t most_paths = 64;                                     ///< of one stream; over it 400
  size_t most_answer = size_t{1} << 20;                       ///< bytes of an answer; over it status 429
  Duration shortest_period = std::chrono::milliseconds(250);  ///< between two looks at a path; shorter or longer ones are 400
  Duration longest_period = std::chrono::minutes(1);
  Duration timeout = std::chrono::seconds(5);  ///< of one answer; past it status 504
};

/// Belongs to an AdminServer; any shard.
class Watch {
 public:
  /// `routes` answers what is watched. All of them outlive it.
  Watch(http::Handler& routes, Gate& gate, Places& streams, WatchOptions options = {})
      : routes_(routes), gate_(gate), streams_(streams), options_(options) {}
  /// Goes on until the caller is gone, or is nobody any more: the session has ended, the token was removed. One that a password has opened goes on
  /// when the password has changed, with what its user still may: to check it again takes time.
  io::Task<Result<void>> serve(http::Exchange& exchange, http::Body& body, const Caller& caller);

 private:
  struct Asked;
  struct Listener;
  Result<Asked> read(const http::Exchange& exchange) const;
  io::Task<Result<std::monostate>> follow(Listener& listener, std::string path);
  io::Task<Result<std::string>> look(const Listener& listener, const std::string& path);

  http::Handler& routes_;
  Gate& gate_;
  Places& streams_;
  const WatchOptions options_;
};

}  // namespace sofa::admin::detail
