// Any bytes as a configuration file with sections of every kind, and then as a live change of it: an error with a line for each problem, or values
// that all can be shown.
#include "must.h"
#include "sofa/base/bytes.h"
#include "sofa/boot/testing/every_kind.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = sofa::as_text({data, size});
  sofa::boot::Configuration configuration({.program = "fuzz"});
  sofa::boot::testing::add_every_kind(configuration);
  if (text.contains("file:")) return 0;  // names a file of this machine as a secret
  const auto read = configuration.load_text(text, "fuzz.yaml");
  fuzz::must_say_why(read);
  if (!read) {
    fuzz::must(read.error().message().starts_with("fuzz.yaml:"));
    return 0;
  }
  for (const auto& value : configuration.values()) {
    fuzz::must(!value.json.empty());
    fuzz::must(!value.field->secret || value.json == "\"***\"");
    fuzz::must(configuration.explain(value.path).has_value());
  }
  // The same text once more changes nothing.
  const auto changed = configuration.apply(text, "live.yaml", [](const auto&) { return sofa::Result<void>(); });
  fuzz::must(changed && changed->empty());
  return 0;
}
