#include "sofa/state/log/detail/places.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace sofa::log::detail {
namespace {

bool same(const Entry& a, const Entry& b) {
  return a.at.segment == b.at.segment && a.at.offset8 == b.at.offset8 && a.at.length == b.at.length && a.term == b.term;
}

/// Records as a log writes them: one behind another, sometimes with those of other streams between them, sometimes in the next segment.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}
  uint64_t below(uint64_t bound) { return random_() % bound; }
  Entry next() {
    if (below(200) == 0) ++at_.segment, at_.offset8 = 512;
    if (below(10) == 0) at_.offset8 += 7;
    if (below(100) == 0) ++term_;
    at_.length = static_cast<uint32_t>(below(3) == 0 ? below(5000) : 300);
    const Entry entry{.at = at_, .term = term_};
    at_.offset8 += static_cast<uint32_t>(record_size(at_.length) / kRecordAlignment);
    return entry;
  }

 private:
  std::mt19937_64 random_;
  Location at_{.segment = 1, .offset8 = 512};
  uint32_t term_ = 1;
};

void expect_same(const Places& places, const std::deque<Entry>& model) {
  ASSERT_EQ(places.size(), model.size());
  size_t visited = 0;
  places.for_each([&](size_t at, const Entry& entry) {
    ASSERT_EQ(at, visited++);
    ASSERT_TRUE(same(entry, model[at])) << "place " << at;
  });
  ASSERT_EQ(visited, model.size());
  std::optional<size_t> unknown;
  for (size_t at = 0; at < model.size(); ++at) {
    if (!unknown && model[at].at.segment == 0) unknown = at;
    ASSERT_TRUE(same(places[at], model[at])) << "place " << at;
    ASSERT_EQ(places.term_at(at), model[at].term);
  }
  ASSERT_EQ(places.first_unknown(), unknown);
}

TEST(Places, AreThoseOfASimpleListWhateverHappens) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Writer writer(seed);
    Places places;
    std::deque<Entry> model;
    for (int step = 0; step < 400; ++step) {
      const uint64_t dice = writer.below(20);
      if (dice == 0) {
        const size_t count = writer.below(100);
        places.push_unknown(count);
        model.resize(model.size() + count);
      } else if (dice < 3) {
        for (uint64_t left = writer.below(60); left > 0 && !model.empty(); --left) places.pop_front(), model.pop_front();
      } else if (dice < 5) {
        for (uint64_t left = writer.below(30); left > 0 && !model.empty(); --left) places.pop_back(), model.pop_back();
      } else if (dice < 9 && !model.empty()) {
        size_t at = writer.below(model.size());
        for (uint64_t left = writer.below(10); left > 0 && at < model.size(); --left, ++at) places.set(at, model[at] = writer.next());
      } else {
        for (uint64_t left = writer.below(40); left > 0; --left) places.push_back(model.emplace_back(writer.next()));
      }
      if (step % 20 == 0) expect_same(places, model);
    }
    while (!model.empty()) places.pop_front(), model.pop_front();
    places.push_back(model.emplace_back(writer.next()));
    expect_same(places, model);
  }
}

}  // namespace
}  // namespace sofa::log::detail
