// Runs a fuzz target once over every file of a folder (and over the empty input), so that the corpus is part of the unit tests.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<char> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void run(const std::vector<char>& input) { LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size()); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: {} FOLDER\n", argv[0]);
    return 2;
  }
  run({});
  size_t inputs = 0;
  std::error_code missing;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1], missing)) {
    if (!entry.is_regular_file()) continue;
    // Named before it runs: after a crash the last line is the input at fault.
    fmt::print("{}\n", entry.path().string());
    std::fflush(stdout);
    run(read_file(entry.path()));
    ++inputs;
  }
  fmt::print("{} inputs and the empty one ran\n", inputs);
  return 0;
}
