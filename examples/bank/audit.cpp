#include "bank/audit.h"

#include <fmt/format.h>

namespace bank {

namespace {
void report(Audit::Findings& findings, std::string what) {
  if (findings.broken.size() < Audit::kMaxBroken) findings.broken.push_back(std::move(what));
}
}  // namespace

void Audit::deposited(const std::string& account, int64_t cents) { accounts_[account].deposit += cents; }

void Audit::acknowledged(const Transfer& transfer) { acknowledged_.emplace(transfer.id, transfer); }

void Audit::seen(const Statement& page) {
  Account& account = accounts_[page.account];
  account.balance = page.balance;
  for (const Posting& posting : page.postings) {
    account.sum += posting.cents;
    if (posting.id.starts_with("deposit")) continue;
    Moves& moves = moves_[posting.id];
    if (posting.cents < 0) {
      moves.paid += 1;
      moves.from = page.account;
      moves.cents = -posting.cents;
    } else {
      moves.received += 1;
      moves.to = page.account;
    }
  }
}

void Audit::check_accounts(Findings& findings) const {
  int64_t deposits = 0, balances = 0;
  for (const auto& [name, account] : accounts_) {
    deposits += account.deposit;
    balances += account.balance;
    if (account.sum != account.balance)
      report(findings, fmt::format("account {} has {} cents, its statement adds up to {}", name, account.balance, account.sum));
    if (account.balance < 0) report(findings, fmt::format("account {} is overdrawn by {} cents", name, -account.balance));
  }
  if (findings.broken.empty()) findings.proved.push_back(fmt::format("all {} statements add up to their balances", accounts_.size()));
  if (deposits != balances) {
    report(findings, fmt::format("the balances sum up to {} cents, the deposits to {}", balances, deposits));
  } else {
    findings.proved.push_back(fmt::format("the balances sum up to the deposits: {} cents", balances));
  }
}

void Audit::check_transfers(Findings& findings) const {
  const size_t before = findings.broken.size();
  for (const auto& [id, told] : acknowledged_) {
    auto found = moves_.find(id);
    if (found == moves_.end()) {
      report(findings, fmt::format("transfer {} is acknowledged but not in the ledger", id));
      continue;
    }
    const Moves& moves = found->second;
    if (moves.paid != 1 || moves.received != 1)
      report(findings, fmt::format("transfer {} is booked {} times out and {} times in", id, moves.paid, moves.received));
    if (moves.cents != told.cents || moves.from != told.from || moves.to != told.to) {
      report(findings, fmt::format("transfer {} moved {} cents from {} to {}, acknowledged were {} from {} to {}", id, moves.cents, moves.from,
                                   moves.to, told.cents, told.from, told.to));
    }
  }
  for (const auto& [id, moves] : moves_) {
    if (moves.paid != 1 || moves.received != 1)
      report(findings, fmt::format("transfer {} is booked {} times out and {} times in", id, moves.paid, moves.received));
  }
  if (findings.broken.size() == before) {
    findings.proved.push_back(fmt::format("every acknowledged transfer is there exactly once: {} of them", acknowledged_.size()));
  }
}

Audit::Findings Audit::verdict() const {
  Findings findings;
  check_accounts(findings);
  check_transfers(findings);
  return findings;
}

}  // namespace bank
