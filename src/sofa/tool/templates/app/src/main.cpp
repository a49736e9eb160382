// app-name [-c app-name.yaml] [--help]
#include "application.h"

int main(int argc, char** argv) {
  sofa::boot::Application app("app-name", "Greets people.");
  app_name::assemble(app);
  return app.run(argc, argv);
}
