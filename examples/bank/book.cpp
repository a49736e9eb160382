#include "bank/book.h"

#include <limits>

namespace bank {

using sofa::Bytes;
using sofa::ByteSpan;
using sofa::Code;
using sofa::fail;
using sofa::Result;

namespace {

constexpr std::string_view kDeposit = "deposit-";

// An entry is three texts (u16 length, bytes) and an i64, all big-endian; the file or the record around it carries the checksum.
void put_text(sofa::Buffer& out, std::string_view text) {
  out.append_be16(static_cast<uint16_t>(text.size()));
  out.append(text);
}

void put_entry(sofa::Buffer& out, const Entry& entry) {
  put_text(out, entry.id);
  put_text(out, entry.from);
  put_text(out, entry.to);
  out.append_be64(static_cast<uint64_t>(entry.cents));
}

class EntryReader {
 public:
  explicit EntryReader(ByteSpan bytes) : left_(bytes) {}
  bool at_end() const { return left_.empty(); }
  bool text(std::string& out) {
    if (left_.size() < 2) return false;
    const size_t size = sofa::load_be<uint16_t>(left_.data());
    if (left_.size() < 2 + size) return false;
    out.assign(sofa::as_text(left_.subspan(2, size)));
    left_ = left_.subspan(2 + size);
    return true;
  }
  bool number(int64_t& out) {
    if (left_.size() < 8) return false;
    out = sofa::load_be<int64_t>(left_.data());
    left_ = left_.subspan(8);
    return true;
  }
  Result<Entry> entry() {
    Entry entry;
    if (text(entry.id) && text(entry.from) && text(entry.to) && number(entry.cents)) return entry;
    return fail(Code::data_loss, "a ledger entry ends too early; the record was not written by this program");
  }

 private:
  ByteSpan left_;
};

}  // namespace

Result<Entry> transfer_entry(std::string id, std::string from, std::string to, int64_t cents) {
  if (from.empty()) return fail(Code::invalid_argument, "transfer '{}' names no account that pays; set 'from'", id);
  if (id.starts_with(kDeposit)) {
    return fail(Code::invalid_argument, "the id '{}' is one of those that open accounts ({}...); choose another", id, kDeposit);
  }
  return Entry{std::move(id), std::move(from), std::move(to), cents};
}

Entry deposit_entry(const std::string& account, int64_t cents) { return {fmt::format("{}{}", kDeposit, account), "", account, cents}; }

Bytes encode(const Entry& entry) {
  sofa::Buffer out(entry.id.size() + entry.from.size() + entry.to.size() + 14);
  put_entry(out, entry);
  return out.take();
}

Result<Entry> decode_entry(ByteSpan bytes) { return EntryReader(bytes).entry(); }

int64_t Book::sequence_of(std::string_view id) const {
  auto found = sequences_.find(std::string(id));
  return found == sequences_.end() ? 0 : found->second;
}

int64_t Book::balance(std::string_view account) const {
  auto found = accounts_.find(std::string(account));
  return found == accounts_.end() ? 0 : found->second.balance;
}

const std::vector<Book::Line>& Book::lines(std::string_view account) const {
  static const std::vector<Line> kNone;
  auto found = accounts_.find(std::string(account));
  return found == accounts_.end() ? kNone : found->second.lines;
}

int64_t Book::total() const {
  int64_t sum = 0;
  for (const auto& [name, account] : accounts_) sum += account.balance;
  return sum;
}

Result<void> Book::check(const Entry& entry, int64_t held) const {
  const bool deposit = entry.from.empty();
  if (deposit && (entry.to.empty() || entry.to.size() > kMaxAccountBytes)) {
    return fail(Code::invalid_argument, "the account name has {} bytes; give one of 1 to {}", entry.to.size(), kMaxAccountBytes);
  }
  if (entry.id.empty() || entry.id.size() > kMaxIdBytes) {
    return fail(Code::invalid_argument, "the id has {} bytes; give one of 1 to {}", entry.id.size(), kMaxIdBytes);
  }
  if (entries_.size() >= kMaxEntries) return fail(Code::resource_exhausted, "the ledger holds {} entries, its limit; archive it", kMaxEntries);
  if (entry.cents < (deposit ? 0 : 1)) return fail(Code::invalid_argument, "the amount of {} cents is not positive", entry.cents);
  if (deposit) {
    if (has_account(entry.to)) return fail(Code::already_exists, "account '{}' is open already", entry.to);
    if (entry.cents > std::numeric_limits<int64_t>::max() - deposits_ - held)
      return fail(Code::out_of_range, "the bank cannot count {} cents more", entry.cents);
    return {};
  }
  if (entry.from == entry.to) return fail(Code::invalid_argument, "account '{}' cannot pay itself", entry.from);
  for (const std::string& name : {entry.from, entry.to}) {
    if (!has_account(name)) return fail(Code::not_found, "account '{}' is not open; open it first", name);
  }
  const int64_t free = balance(entry.from) - held;
  if (free < entry.cents) return fail(Code::failed_precondition, "account '{}' has {} cents free, {} are asked for", entry.from, free, entry.cents);
  return {};
}

int64_t Book::apply(Entry entry) {
  if (const int64_t known = sequence_of(entry.id); known != 0) return known;
  const int64_t sequence = last_sequence() + 1;
  if (!entry.from.empty()) {
    Account& from = accounts_[entry.from];
    from.balance -= entry.cents;
    from.lines.push_back({sequence, -entry.cents});
  } else {
    deposits_ += entry.cents;
  }
  Account& to = accounts_[entry.to];
  to.balance += entry.cents;
  to.lines.push_back({sequence, entry.cents});
  sequences_.emplace(entry.id, sequence);
  entries_.push_back(std::move(entry));
  return sequence;
}

void Book::encode_entries(int64_t first, int64_t last, sofa::Buffer& out) const {
  for (int64_t sequence = first; sequence <= last; ++sequence) put_entry(out, entry(sequence));
}

Result<Book> Book::from_snapshot(ByteSpan bytes, int64_t last) {
  Book book;
  EntryReader reader(bytes);
  while (!reader.at_end()) {
    auto entry = reader.entry();
    if (!entry) return sofa::forward_error(entry);
    book.apply(std::move(*entry));
  }
  if (book.last_sequence() != last) {
    return fail(Code::data_loss, "the snapshot holds {} entries and says {}; restore the folder from a copy", book.last_sequence(), last);
  }
  return book;
}

}  // namespace bank
