#pragma once
// The accounts and postings of the bank as a pure state machine: no clock, no disk, no network. The ledger process feeds it what the log holds.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace bank {

/// One entry of the ledger. A deposit comes from outside: `from` is empty.
struct Entry {
  std::string id;
  std::string from;
  std::string to;
  int64_t cents = 0;
};

/// The entry of a transfer as a client asks for it. invalid_argument without a payer (that would be a deposit) or with an id that opening an account
/// takes ("deposit-...").
sofa::Result<Entry> transfer_entry(std::string id, std::string from, std::string to, int64_t cents);
/// The entry that opens an account; its id follows from the name, so that asking twice opens it once.
Entry deposit_entry(const std::string& account, int64_t cents);

sofa::Bytes encode(const Entry& entry);
sofa::Result<Entry> decode_entry(sofa::ByteSpan bytes);

/// Accounts, their balances and every posting. Belongs to one shard.
class Book {
 public:
  static constexpr size_t kMaxIdBytes = 64;
  static constexpr size_t kMaxAccountBytes = 56;  // its deposit has an id of 8 bytes more
  /// Entries that a book keeps for statements and idempotence; past it new ones are refused.
  static constexpr size_t kMaxEntries = 20'000'000;

  struct Line {
    int64_t sequence;
    int64_t cents;
  };

  bool has_account(std::string_view account) const { return accounts_.contains(std::string(account)); }
  /// Sequence of the entry with this id, 0 when there is none.
  int64_t sequence_of(std::string_view id) const;
  const Entry& entry(int64_t sequence) const { return entries_[static_cast<size_t>(sequence - 1)]; }
  int64_t last_sequence() const { return static_cast<int64_t>(entries_.size()); }
  int64_t balance(std::string_view account) const;
  const std::vector<Line>& lines(std::string_view account) const;
  /// The sum of all balances: by double entry always equal to the sum of the deposits.
  int64_t total() const;

  /// Why this entry may not be booked now, given `held` cents of the payer that earlier entries on their way to disk will take.
  sofa::Result<void> check(const Entry& entry, int64_t held) const;
  /// Books an entry that the log holds. An id that is already booked changes nothing. Returns its sequence.
  int64_t apply(Entry entry);

  /// Appends the entries first..last (sequences): a snapshot is all of them, written piece by piece, since entries never change.
  void encode_entries(int64_t first, int64_t last, sofa::Buffer& out) const;
  /// data_loss when the bytes are not exactly the entries 1..last.
  static sofa::Result<Book> from_snapshot(sofa::ByteSpan bytes, int64_t last);

 private:
  struct Account {
    int64_t balance = 0;
    std::vector<Line> lines;
  };
  std::vector<Entry> entries_;
  std::unordered_map<std::string, int64_t> sequences_;
  std::unordered_map<std::string, Account> accounts_;
  int64_t deposits_ = 0;
};

}  // namespace bank
