#include "sofa/platform/happenings.h"

#include <fmt/format.h>

#include <algorithm>

namespace sofa::platform {

void Happening::describe(Description<Happening>& d) {
  d.java_type("sofa.Event").doc("Something that happened.");
  d.field("id", &Happening::id);
  d.field("at_ms", &Happening::at_ms).unit("ms since 1970");
  d.field("severity", &Happening::severity).doc("info, warn, error");
  d.field("kind", &Happening::kind).doc("attached, gone, readiness, configuration");
  d.field("process", &Happening::process).doc("its id");
  d.field("subject", &Happening::subject).doc("what of it; empty: the process itself");
  d.field("message", &Happening::message);
}

void Happenings::add(Happening happening) {
  happening.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now_wall().time_since_epoch()).count();
  const std::lock_guard lock(mutex_);
  happening.id = fmt::format("e{}", ++added_);
  ring_.push_back(std::move(happening));
  if (ring_.size() > most_) ring_.pop_front();
}

std::vector<Happening> Happenings::latest(size_t most) const {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, ring_.size()));
  return {ring_.rbegin(), ring_.rbegin() + count};
}

}  // namespace sofa::platform
