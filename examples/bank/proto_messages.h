#pragma once
// The bank's answers as the messages of bank.proto.

#include "bank.pb.h"
#include "bank/bank_api.h"

namespace bank {

inline v1::Receipt to_proto(const Receipt& receipt) {
  v1::Receipt message;
  message.set_id(receipt.id);
  message.set_sequence(receipt.sequence);
  return message;
}

inline v1::Statement to_proto(const Statement& statement) {
  v1::Statement message;
  message.set_account(statement.account);
  message.set_balance(statement.balance);
  message.set_total(statement.total);
  for (const Posting& posting : statement.postings) {
    v1::Posting& line = *message.add_postings();
    line.set_id(posting.id);
    line.set_sequence(posting.sequence);
    line.set_cents(posting.cents);
  }
  return message;
}

inline Transfer from_proto(const v1::TransferRequest& message) {
  return {.id = message.id(), .from = message.from(), .to = message.to(), .cents = message.cents()};
}

}  // namespace bank
