#pragma once
// What the three processes of the bank say to each other, and to any SOFARPC client: described types and the interfaces.

#include <cstdint>
#include <string>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/rpc/interface.h"

namespace bank {

using namespace std::chrono_literals;

// region: transfer
struct Transfer {
  std::string id;  // chosen by the client: the same id again is the same transfer
  std::string from;
  std::string to;
  int64_t cents = 0;

  static auto describe(sofa::Description<Transfer>& d) {
    d.java_type("bank.Transfer").doc("Moves money between two accounts; the id makes it idempotent.");
    d.field("id", &Transfer::id).doc("chosen by the caller, at most 64 bytes").required();
    d.field("from", &Transfer::from).doc("account that pays").required();
    d.field("to", &Transfer::to).doc("account that receives").required();
    d.field("cents", &Transfer::cents).range(1, 100'000'000).unit("cents").required();
  }
};
// endregion

struct Receipt {
  std::string id;
  int64_t sequence = 0;
  int32_t retries = 0;
  int32_t deadlines = 0;

  static auto describe(sofa::Description<Receipt>& d) {
    d.java_type("bank.Receipt").doc("The transfer is on disk under this sequence number.");
    d.field("id", &Receipt::id);
    d.field("sequence", &Receipt::sequence).doc("position in the ledger, from 1");
    d.field("retries", &Receipt::retries).doc("calls that the gateway had to repeat for it");
    d.field("deadlines", &Receipt::deadlines).doc("those of them that were not answered in time");
  }
};

struct Posting {
  std::string id;
  int64_t sequence = 0;
  int64_t cents = 0;

  static auto describe(sofa::Description<Posting>& d) {
    d.java_type("bank.Posting").doc("One line of a statement.");
    d.field("id", &Posting::id).doc("the transfer, or \"deposit\"");
    d.field("sequence", &Posting::sequence);
    d.field("cents", &Posting::cents).doc("positive: received, negative: paid").unit("cents");
  }
};

struct Statement {
  std::string account;
  int64_t balance = 0;
  int64_t total = 0;
  std::vector<Posting> postings;

  static auto describe(sofa::Description<Statement>& d) {
    d.java_type("bank.Statement").doc("A page of an account's postings, oldest first.");
    d.field("account", &Statement::account);
    d.field("balance", &Statement::balance).unit("cents");
    d.field("total", &Statement::total).doc("postings of the account in all");
    d.field("postings", &Statement::postings);
  }
};

// region: interfaces
/// The door of the bank: what clients call.
struct Gateway : sofa::rpc::Interface {
  static constexpr std::string_view kName = "bank.Gateway";
  sofa::rpc::Method<Receipt(std::string account, int64_t deposit_cents)> open_account{
      this, "openAccount", {.timeout = 5000ms, .parameters = {"account", "depositCents"}}};
  sofa::rpc::Method<Receipt(Transfer)> transfer{this, "transfer", {.timeout = 5000ms, .parameters = {"transfer"}}};
  sofa::rpc::Method<Statement(std::string account, int64_t skip, int32_t limit)> statement{
      this, "statement", {.timeout = 5000ms, .parameters = {"account", "skip", "limit"}}};
};

/// Double entry on a durable log: a receipt means that the transfer survives any crash.
struct Ledger : sofa::rpc::Interface {
  static constexpr std::string_view kName = "bank.Ledger";
  sofa::rpc::Method<Receipt(std::string account, int64_t deposit_cents)> open_account{this, "openAccount", {.timeout = 800ms}};
  sofa::rpc::Method<Receipt(Transfer)> transfer{this, "transfer", {.timeout = 800ms}};
  sofa::rpc::Method<Statement(std::string account, int64_t skip, int32_t limit)> statement{this, "statement", {.timeout = 800ms}};
};

/// Says yes or no to a transfer before any money moves.
struct Risk : sofa::rpc::Interface {
  static constexpr std::string_view kName = "bank.Risk";
  sofa::rpc::Method<bool(Transfer)> allows{this, "allows", {.timeout = 60ms}};
};
// endregion

}  // namespace bank
