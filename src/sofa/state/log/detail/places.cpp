#include "sofa/state/log/detail/places.h"

#include <algorithm>
#include <cassert>

namespace sofa::log::detail {

uint32_t Places::behind(const Location& at) {
  return at.segment == 0 ? 0 : at.offset8 + static_cast<uint32_t>(record_size(at.length) / kRecordAlignment);
}

size_t Places::row_of(size_t at) const {
  const auto after = std::upper_bound(rows_.begin(), rows_.end(), at,
                                      [this](size_t place, const Row& row) { return place < uint32_t{row.first - rows_.front().first}; });
  return static_cast<size_t>(after - rows_.begin()) - 1;
}

Places::Row Places::row_at(size_t at, const Entry& entry) const {
  const uint32_t first = rows_.empty() ? 0 : rows_.front().first;
  return {.first = first + static_cast<uint32_t>(at), .segment = entry.at.segment, .offset8 = entry.at.offset8, .term = entry.term};
}

Entry Places::operator[](size_t at) const {
  assert(at < size());
  const size_t row = row_of(at);
  Entry entry = at_begin(rows_[row]);
  for (size_t before = begin_of(row); before < at; ++before) {
    entry.at.length = lengths_[before];
    entry.at.offset8 = behind(entry.at);
  }
  entry.at.length = lengths_[at];
  return entry;
}

std::optional<size_t> Places::first_unknown() const {
  const auto unknown = std::find_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.segment == 0; });
  if (unknown == rows_.end()) return std::nullopt;
  return begin_of(static_cast<size_t>(unknown - rows_.begin()));
}

/// Whether `entry`, which comes next in the stream, stands directly behind the last one of a row.
bool Places::continues(size_t row, const Entry& entry) const {
  const size_t begin = begin_of(row), end = begin_of(row + 1);
  if (rows_[row].segment != entry.at.segment || rows_[row].term != entry.term) return false;
  if (entry.at.segment == 0) return true;
  return end - begin < kMostInRow && behind((*this)[end - 1].at) == entry.at.offset8;
}

void Places::push_back(const Entry& entry) {
  assert(size() < UINT32_MAX);
  if (empty() || !continues(rows_.size() - 1, entry)) rows_.push_back(row_at(size(), entry));
  lengths_.push_back(entry.at.length);
}

void Places::push_unknown(size_t count) {
  if (count == 0) return;
  rows_.push_back(row_at(size(), {}));
  lengths_.append(count, 0);
}

/// Parts a row, so that one begins here.
void Places::begin_row(size_t at) {
  if (at == size()) return;
  const size_t row = row_of(at);
  if (begin_of(row) != at) rows_.insert(row + 1, row_at(at, (*this)[at]));
}

void Places::set(size_t at, const Entry& entry) {
  begin_row(at);
  begin_row(at + 1);
  const size_t row = row_of(at);
  rows_[row] = row_at(at, entry);
  lengths_[at] = entry.at.length;
  if (row > 0 && continues(row - 1, entry)) rows_.erase(row);
}

void Places::pop_front() {
  Row& row = rows_[0];
  row.offset8 = behind(front().at);
  ++row.first;
  lengths_.pop_front();
  if (empty() || (rows_.size() > 1 && rows_[1].first == row.first)) rows_.pop_front();
}

void Places::pop_back() {
  if (begin_of(rows_.size() - 1) == size() - 1) rows_.pop_back();
  lengths_.pop_back();
}

}  // namespace sofa::log::detail
