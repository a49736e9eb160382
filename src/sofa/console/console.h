#pragma once
// The web console (console/ in the tree), compiled into the program: it needs no file and no other host.
//
//   server.set_fallback(std::make_shared<console::Console>());   // "/console/...", and "/" leads there
//
// It talks to the admin API of the port that served it, under /v1 (console/api/openapi.json).

#include "sofa/http/static_files.h"

namespace sofa::console {

class Console final : public http::Handler {
 public:
  Console();
  void handle(http::ExchangePtr exchange) override;

 private:
  http::StaticFiles files_;
};

}  // namespace sofa::console
