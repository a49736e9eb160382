#pragma once
// Places: where the live entries of a stream are. There may be millions in one, or one or two in tens of thousands of streams.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sofa/state/log/format.h"

namespace sofa::log::detail {

struct Location {
  uint32_t segment = 0;  // 0: the table of a segment names the entry, but it was not met (yet)
  uint32_t offset8 = 0;  // in units of 8 bytes
  uint32_t length = 0;   // of the payload
  uint64_t offset() const { return uint64_t{offset8} * kRecordAlignment; }
};

struct Entry {
  Location at;
  uint32_t term = 0;  // a number of the table's, see StreamTable::term_of
};

/// A vector whose first items go in constant time: their memory once they are half of all.
template <class T>
class FrontVector {
 public:
  size_t size() const { return items_.size() - gone_; }
  bool empty() const { return size() == 0; }
  T& operator[](size_t at) { return items_[gone_ + at]; }
  const T& operator[](size_t at) const { return items_[gone_ + at]; }
  const T& front() const { return items_[gone_]; }
  const T& back() const { return items_.back(); }
  T* begin() { return items_.data() + gone_; }
  const T* begin() const { return items_.data() + gone_; }
  const T* end() const { return items_.data() + items_.size(); }
  void push_back(const T& item) { items_.push_back(item); }
  void append(size_t count, const T& item) { items_.insert(items_.end(), count, item); }
  void insert(size_t at, const T& item) { items_.insert(place(at), item); }
  void erase(size_t at) { items_.erase(place(at)); }
  void pop_back() {
    items_.pop_back();
    give_back();
  }
  void pop_front() {
    ++gone_;
    give_back();
  }

 private:
  auto place(size_t at) { return items_.begin() + static_cast<ptrdiff_t>(gone_ + at); }
  void give_back() {
    if (gone_ * 2 < items_.size() && items_.size() * 4 >= items_.capacity()) return;
    items_.erase(items_.begin(), place(0));
    gone_ = 0;
    if (items_.size() * 4 < items_.capacity()) items_.shrink_to_fit();
  }

  std::vector<T> items_;
  size_t gone_ = 0;
};

/// Records that stand directly behind one another in a segment, and have one term, are a row, which says where it begins: each of them takes 4 bytes,
/// one that stands alone 20. Places count from 0, the first live entry. Complexity: the logarithm of the rows, and what one row holds.
class Places {
 public:
  size_t size() const { return lengths_.size(); }
  bool empty() const { return lengths_.empty(); }
  Entry operator[](size_t at) const;
  Entry front() const { return (*this)[0]; }
  Entry back() const { return (*this)[size() - 1]; }
  uint32_t term_at(size_t at) const { return rows_[row_of(at)].term; }
  /// The first one that was not met.
  std::optional<size_t> first_unknown() const;
  /// Calls visit(at, entry) for all in order.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (size_t row = 0; row < rows_.size(); ++row) {
      Entry entry = at_begin(rows_[row]);
      for (size_t at = begin_of(row); at < begin_of(row + 1); ++at) {
        entry.at.length = lengths_[at];
        visit(at, entry);
        entry.at.offset8 = behind(entry.at);
      }
    }
  }

  void push_back(const Entry& entry);
  void push_unknown(size_t count);
  /// Of one that is there.
  void set(size_t at, const Entry& entry);
  void pop_front();
  void pop_back();

 private:
  struct Row {
    uint32_t first;  // the number of its first entry: they are counted on and on, modulo 2^32
    uint32_t segment, offset8, term;
  };
  static constexpr size_t kMostInRow = 64;

  static Entry at_begin(const Row& row) { return {.at = {.segment = row.segment, .offset8 = row.offset8}, .term = row.term}; }
  /// Where the next record of a row begins; those that were not met are nowhere.
  static uint32_t behind(const Location& at);
  size_t row_of(size_t at) const;
  size_t begin_of(size_t row) const { return row == rows_.size() ? size() : uint32_t{rows_[row].first - rows_.front().first}; }
  Row row_at(size_t at, const Entry& entry) const;
  bool continues(size_t row, const Entry& entry) const;
  void begin_row(size_t at);

  FrontVector<Row> rows_;
  FrontVector<uint32_t> lengths_;
};

}  // namespace sofa::log::detail
