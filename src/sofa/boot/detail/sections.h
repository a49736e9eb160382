#pragma once
// The sections of a configuration as one described struct that is made at run time, and blocks of memory that hold one object of it.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/type_object.h"

namespace sofa::boot::detail {

/// One section: where its value lies in a Block, and its defaults.
struct Section {
  std::string path;
  std::string doc;
  const Type& type;
  size_t offset;
  TypeObject initial;
};

/// A mapping of the file that holds sections and further mappings: "payments" of "payments.journal".
class Group {
 public:
  Group() { type_.kind = Kind::structure, type_.structure = &info_; }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Adds a section at the rest of its path; false when the path is taken, or lies in another section.
  bool add(std::string_view rest, const Section& section);
  const Type& type() const { return type_; }

 private:
  const Field* find(std::string_view name) const { return info_.find(name); }
  void add_field(std::string_view name, size_t offset, const Type& type, std::string_view doc);

  StructInfo info_;
  Type type_;
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;
};

/// All sections, in the order of their adding.
class Sections {
 public:
  /// Ends the program with a sentence when the path is taken, or the type cannot be copied.
  void add(std::string_view path, const Type& type, std::string_view doc, const void* initial);
  /// One that is in every Block, but not of type(): found by what this gives, and by no path.
  const Section& add_unlisted(const Type& type);
  const Section* find(std::string_view path) const;
  const std::vector<std::unique_ptr<Section>>& all() const { return sections_; }
  /// Of a Block's memory, the unlisted ones left out.
  const Type& type() const { return root_.type(); }
  size_t size() const { return size_; }

 private:
  Section& place(std::string_view path, const Type& type, std::string_view doc);

  std::vector<std::unique_ptr<Section>> sections_;
  Group root_;
  size_t size_ = 0;
};

/// One object of all sections; made with their defaults. `sections` outlives it, and gets no more of them.
class Block {
 public:
  explicit Block(const Sections& sections);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void* at(const Section& section) { return memory_.get() + section.offset; }
  const void* at(const Section& section) const { return memory_.get() + section.offset; }
  void* data() { return memory_.get(); }
  const void* data() const { return memory_.get(); }
  /// Copies every section's value.
  void assign(const Block& other);

 private:
  const Sections& sections_;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace sofa::boot::detail
