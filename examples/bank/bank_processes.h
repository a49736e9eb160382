#pragma once
// The processes of a bank that the demo drives: risk, ledger and gateway, one or several of each but the ledger. Blocking calls with deadlines; call
// them off the loop.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bank/process.h"

namespace bank {

struct BankOptions {
  std::string folder;             // the ledger's data
  std::string logs;               // a folder: NAME.log of each process, and the gateways' configuration
  int instances = 1;              // of risk and of the gateway
  std::vector<std::string> risk;  // further arguments of risk
  std::string protocol = "bolt";  // by which all call all
  std::string platform;           // "HOST:9900": they attach there (admin.platform); empty: nowhere
};

class Bank {
 public:
  struct Member {
    std::string role;  // "risk", "ledger", "gateway"
    std::string name;  // the role, with a number where there are several
    Command command;   // starts it again on its port
    Process process;
  };

  /// All of them, ready; the programs are beside the one that runs.
  static sofa::Result<std::unique_ptr<Bank>> start(BankOptions options);
  /// Stops them, callers before those that they call.
  ~Bank();
  Bank(const Bank&) = delete;
  Bank& operator=(const Bank&) = delete;

  /// In the order of their start: risk, ledger, gateway.
  std::vector<Member>& members() { return members_; }
  Member& ledger();
  /// Where clients find the gateways: "bolt://127.0.0.1:4711,bolt://127.0.0.1:4712".
  std::string gateways() const { return targets_of("gateway"); }
  /// Of all processes of a role, their CPU time from the start on, that of those which have ended, too.
  Usage usage(const std::string& role) const;

  /// kill -9, and a new process on the same port.
  sofa::Result<void> kill_and_start(Member& member);
  /// SIGTERM, and a new process on the same port. An error when it did not end in good order.
  sofa::Result<void> restart(Member& member);

 private:
  explicit Bank(BankOptions options);
  sofa::Result<void> start_member(const std::string& role, int number, std::vector<std::string> arguments);
  sofa::Result<void> start_again(Member& member);
  sofa::Result<std::string> write_references() const;
  std::string targets_of(const std::string& role) const;

  const BankOptions options_;
  const std::string programs_;
  std::vector<Member> members_;
  std::map<std::string, std::chrono::microseconds> cpu_of_ended_;  // by role
};

}  // namespace bank
