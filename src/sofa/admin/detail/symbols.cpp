#include "sofa/admin/detail/symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace sofa::admin::detail {

namespace {

constexpr size_t kLongestName = 160;

/// A file in memory, as long as this lives; empty when it cannot be read.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts{};
    if (file >= 0 && ::fstat(file, &facts) == 0 && facts.st_size > 0) {
      void* const at = ::mmap(nullptr, static_cast<size_t>(facts.st_size), PROT_READ, MAP_PRIVATE, file, 0);
      if (at != MAP_FAILED) bytes_ = {static_cast<const char*>(at), static_cast<size_t>(facts.st_size)};
    }
    if (file >= 0) ::close(file);
  }
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// `count` values at the offset; null when the file does not hold them.
  template <class T>
  const T* at(size_t offset, size_t count = 1) const {
    if (offset % alignof(T) != 0 || offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T)) return nullptr;
    return reinterpret_cast<const T*>(bytes_.data() + offset);
  }
  std::string_view text_at(size_t offset) const {
    if (offset >= bytes_.size()) return {};
    const std::string_view rest = bytes_.substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  std::string_view bytes_;
};

/// Where the parameters begin, which make names long and say little: the first '(' outside of template arguments that opens neither
/// "(anonymous namespace)" nor "operator()".
size_t end_of_name(std::string_view text) {
  int angles = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<') ++angles;
    if (text[i] == '>') --angles;
    if (text[i] != '(' || angles > 0 || i == 0) continue;
    if (text.substr(i).starts_with("(anonymous") || text.substr(0, i).ends_with("operator")) continue;
    return i;
  }
  return text.size();
}

const ElfW(Shdr) * symbol_table(const ElfW(Shdr) * sections, size_t count) {
  const ElfW(Shdr)* found = nullptr;
  for (size_t i = 0; i < count; ++i) {
    if (sections[i].sh_type == SHT_SYMTAB) return &sections[i];
    if (sections[i].sh_type == SHT_DYNSYM) found = &sections[i];  // all that a stripped file has
  }
  return found;
}

}  // namespace

std::vector<Symbols::Function> Symbols::read_functions(const std::string& path, uintptr_t base) {
  const MappedFile file(path);
  const auto* head = file.at<ElfW(Ehdr)>(0);
  if (head == nullptr || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return {};
  const auto* sections = file.at<ElfW(Shdr)>(head->e_shoff, head->e_shnum);
  const auto* table = sections == nullptr ? nullptr : symbol_table(sections, head->e_shnum);
  if (table == nullptr || table->sh_link >= head->e_shnum) return {};
  const size_t count = table->sh_size / sizeof(ElfW(Sym)), texts = sections[table->sh_link].sh_offset;
  const auto* symbols = file.at<ElfW(Sym)>(table->sh_offset, count);
  if (symbols == nullptr) return {};
  std::vector<Function> functions;
  for (size_t i = 0; i < count; ++i) {
    const ElfW(Sym)& symbol = symbols[i];
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
    functions.push_back({.begin = base + symbol.st_value, .size = symbol.st_size, .name = std::string(file.text_at(texts + symbol.st_name))});
  }
  std::ranges::sort(functions, {}, &Function::begin);
  return functions;
}

Symbols::Symbols() {
  const auto add = [](dl_phdr_info* info, size_t, void* to) {
    auto& modules = *static_cast<std::vector<Module>*>(to);
    Module module{.begin = UINTPTR_MAX, .end = 0, .base = info->dlpi_addr, .file = info->dlpi_name, .functions = {}};
    for (size_t i = 0; i < info->dlpi_phnum; ++i) {
      const ElfW(Phdr)& part = info->dlpi_phdr[i];
      if (part.p_type != PT_LOAD) continue;
      module.begin = std::min<uintptr_t>(module.begin, info->dlpi_addr + part.p_vaddr);
      module.end = std::max<uintptr_t>(module.end, info->dlpi_addr + part.p_vaddr + part.p_memsz);
    }
    if (module.file.empty() && modules.empty()) module.file = "/proc/self/exe";
    modules.push_back(std::move(module));
    return 0;
  };
  ::dl_iterate_phdr(add, &modules_);
  for (Module& module : modules_) module.functions = read_functions(module.file, module.base);
}

std::string Symbols::name_of(uintptr_t address) const {
  const auto module = std::ranges::find_if(modules_, [&](const Module& m) { return address >= m.begin && address < m.end; });
  if (module == modules_.end()) return fmt::format("0x{:x}", address);
  const auto next = std::ranges::upper_bound(module->functions, address, {}, &Function::begin);
  if (next != module->functions.begin()) {
    const Function& function = *std::prev(next);
    if (function.size == 0 || address - function.begin < function.size) return demangled(function.name);
  }
  return fmt::format("{}+0x{:x}", std::string_view(module->file).substr(module->file.rfind('/') + 1), address - module->base);
}

std::string Symbols::demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  std::string text = plain == nullptr ? name : plain.get();
  text.resize(end_of_name(text));
  if (text.size() > kLongestName) text = text.substr(0, kLongestName - 3) + "...";
  return text;
}

}  // namespace sofa::admin::detail
