#pragma once
// What `sofa top` shows: one snapshot of a server's calls, for people and as JSON. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/tool/terminal.h"
#include "sofa_rpc/v1/calls.pb.h"

namespace sofa::tool {

/// One method over the interval.
struct TopMethod {
  std::string side, protocol, service, method;
  int64_t running = 0;
  int64_t calls = 0;  ///< that ended in the interval
  int64_t errors = 0;
  double calls_per_second = 0;
  double errors_per_second = 0;
  double p50_us = 0, p99_us = 0, max_us = 0;
  std::map<std::string, double> stages_us{};  ///< of a call, on average
  int64_t total_calls = 0, total_errors = 0;  ///< since the server began
  std::map<std::string, int64_t> statuses{};  ///< likewise
  std::map<std::string, int64_t> callers{};   ///< calls by application, likewise; "" for those without a name
  static void describe(Description<TopMethod>& d);
};

/// One of the slowest calls.
struct TopCall {
  std::string side, protocol, service, method, app, status;
  double seconds_ago = 0;
  double took_us = 0;
  std::map<std::string, double> stages_us{};
  static void describe(Description<TopCall>& d);
};

struct Top {
  double seconds = 0;                ///< of the interval
  std::vector<TopMethod> methods{};  ///< those that were called most first
  std::vector<TopCall> slowest{};    ///< longest first
  static void describe(Description<Top>& d);
};

Top make_top(const rpc::v1::Snapshot& snapshot, const rpc::v1::SlowestResponse& slowest);

/// The table of methods, at most `most` of them, and the slowest calls, each with a bar of its stages.
std::string top_text(const Top& top, size_t most, const Terminal& terminal);

/// A bar of `width` letters, each stage by its initial in proportion to its time: "qqiiiiiiis".
std::string stages_bar(const std::map<std::string, double>& stages_us, size_t width);

}  // namespace sofa::tool
