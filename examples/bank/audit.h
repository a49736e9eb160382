#pragma once
// The proof at the end of the demo: compares what clients were told with what the statements say. Pure.

#include <string>
#include <unordered_map>
#include <vector>

#include "bank/bank_api.h"

namespace bank {

class Audit {
 public:
  struct Findings {
    std::vector<std::string> proved;
    std::vector<std::string> broken;  // at most kMaxBroken, the first ones
  };
  static constexpr size_t kMaxBroken = 20;

  void deposited(const std::string& account, int64_t cents);
  /// The bank acknowledged this transfer to a client.
  void acknowledged(const Transfer& transfer);
  /// A page of a statement; every page of every account once.
  void seen(const Statement& page);
  Findings verdict() const;

 private:
  struct Moves {
    int64_t cents = 0;
    int paid = 0;
    int received = 0;
    std::string from, to;
  };
  struct Account {
    int64_t deposit = 0;
    int64_t balance = 0;
    int64_t sum = 0;
  };
  void check_accounts(Findings& findings) const;
  void check_transfers(Findings& findings) const;

  std::unordered_map<std::string, Account> accounts_;
  std::unordered_map<std::string, Transfer> acknowledged_;
  std::unordered_map<std::string, Moves> moves_;
};

}  // namespace bank
