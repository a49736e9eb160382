// Any bytes as a YAML configuration: an error or a filled struct, in bounded time and memory.
#include "must.h"
#include "sofa/base/yaml.h"

namespace {

enum class Mode { fast, safe };
void describe(sofa::EnumDescription<Mode>& d) { d.value("fast", Mode::fast).value("safe", Mode::safe); }

struct Config {
  uint16_t port = 0;
  int64_t timeout = 0;
  uint64_t size = 0;
  double ratio = 0;
  bool on = false;
  Mode mode = Mode::fast;
  std::string text;
  sofa::Bytes bytes;
  std::vector<Config> nested;
  std::map<std::string, std::optional<int32_t>> weights;
  static auto describe(sofa::Description<Config>& d) {
    d.field("port", &Config::port).range(1, 65535).alias("p");
    d.field("timeout", &Config::timeout).unit("ms");
    d.field("size", &Config::size).unit("bytes");
    d.field("ratio", &Config::ratio);
    d.field("on", &Config::on);
    d.field("mode", &Config::mode);
    d.field("text", &Config::text);
    d.field("bytes", &Config::bytes);
    d.field("nested", &Config::nested);
    d.field("weights", &Config::weights);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::must_say_why(sofa::from_yaml<Config>(sofa::as_text({data, size}), "fuzz"));
  return 0;
}
