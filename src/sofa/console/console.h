#pragma once
// The web console (console/ in the tree), compiled into the program: it needs no file and no other host.
//
//   console::Console console;
//   console.mount(router);     // GET /console/..., and "/" leads there
//
// It talks to the admin API of the port that served it, under /v1 (console/api/openapi.json).

#include "sofa/http/router.h"
#include "sofa/http/static_files.h"

namespace sofa::console {

class Console {
 public:
  Console();
  /// Before the port opens; must outlive the router's use.
  void mount(http::Router& router);

 private:
  http::StaticFiles files_;
};

}  // namespace sofa::console
