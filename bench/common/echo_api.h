#pragma once
#include "sofa/rpc/interface.h"

/// The service that the benchmark calls, on the Java side and on ours.
struct EchoService : sofa::rpc::Interface {
  static constexpr std::string_view kName = "sofa.bench.EchoService";
  sofa::rpc::Method<std::string(std::string)> echo{this, "echo"};
};
