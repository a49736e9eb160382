#include "sofa/boot/detail/built_in.h"

#include <algorithm>

#include "sofa/boot/builder.h"

namespace sofa::boot::detail {

namespace {

class ForwardedClock final : public Clock {
 public:
  explicit ForwardedClock(const Clock& clock) : clock_(clock) {}
  Instant now_monotonic() const override { return clock_.now_monotonic(); }
  WallTime now_wall() const override { return clock_.now_wall(); }
  Duration sleep_hint(Instant at) const override { return clock_.sleep_hint(at); }

 private:
  const Clock& clock_;
};

template <class T>
void add(std::vector<ComponentSpec>& to, std::string name, const std::shared_ptr<T>& object) {
  to.push_back(component_spec_made_by(std::move(name), [object] { return object; }));
}

bool provides(const ComponentSpec& spec, const InterfaceId& interface) {
  return std::ranges::any_of(spec.offers, [&](const Offer& offer) { return offer.interface == interface && offer.unique_id.empty(); });
}

}  // namespace

std::shared_ptr<Clock> shared_clock(const Clock& clock) { return std::make_shared<ForwardedClock>(clock); }

void add_built_ins(std::vector<ComponentSpec>& components, const BuiltIns& built_ins) {
  std::vector<ComponentSpec> all;
  add(all, "sofa.clock", built_ins.clock);
  add(all, "sofa.events", built_ins.events);
  add(all, "sofa.metrics", built_ins.metrics);
  add(all, "sofa.readiness", built_ins.readiness);
  add(all, "sofa.configuration", built_ins.configuration);
  std::erase_if(all, [&](const ComponentSpec& own) {
    return std::ranges::any_of(components, [&](const ComponentSpec& other) { return provides(other, own.offers.front().interface); });
  });
  components.insert(components.begin(), std::move_iterator(all.begin()), std::move_iterator(all.end()));
}

}  // namespace sofa::boot::detail
