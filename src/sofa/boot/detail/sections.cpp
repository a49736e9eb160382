#include "sofa/boot/detail/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sofa::boot::detail {

namespace {

[[noreturn]] void refuse(std::string_view path, std::string_view why) {
  fmt::print(stderr, "the configuration section \"{}\" cannot be added: {}\n", path, why);
  std::abort();
}

constexpr size_t kAlign = alignof(std::max_align_t);  // of every section, and of what new[] gives

size_t aligned(size_t offset) { return (offset + kAlign - 1) / kAlign * kAlign; }

}  // namespace

bool Group::add(std::string_view rest, const Section& section) {
  const size_t dot = rest.find('.');
  const std::string_view name = rest.substr(0, dot);
  const auto group = groups_.find(name);
  if (dot == std::string_view::npos) {
    if (find(name) != nullptr) return false;
    const size_t at = section.path.size() - name.size();
    add_field(std::string_view(section.path).substr(at), section.offset, section.type, section.doc);
    return true;
  }
  if (group != groups_.end()) return group->second->add(rest.substr(dot + 1), section);
  if (find(name) != nullptr) return false;
  auto made = std::make_unique<Group>();
  if (!made->add(rest.substr(dot + 1), section)) return false;
  const auto at = groups_.emplace(std::string(name), std::move(made)).first;
  add_field(at->first, 0, at->second->type(), {});
  return true;
}

void Group::add_field(std::string_view name, size_t offset, const Type& type, std::string_view doc) {
  Field& field = info_.fields.emplace_back();
  field.name = name;
  field.offset = offset;
  field.own_type = &type;
  field.doc = doc;
}

void Sections::add(std::string_view path, const Type& type, std::string_view doc, const void* initial) {
  Section& section = place(path, type, doc);
  if (initial != nullptr) type.assign(section.initial.get(), initial);
  if (!root_.add(section.path, section)) refuse(path, "there is one with this name, or this is a part of one");
}

const Section& Sections::add_unlisted(const Type& type) { return place({}, type, {}); }

Section& Sections::place(std::string_view path, const Type& type, std::string_view doc) {
  if (type.kind != Kind::structure && type.kind != Kind::map && type.kind != Kind::list) refuse(path, "its type is no described struct, map or list");
  if (type.assign == nullptr) refuse(path, "its type cannot be copied");
  if (type.align > kAlign) refuse(path, fmt::format("its type is aligned to more than {} bytes", kAlign));
  const size_t offset = aligned(size_);
  size_ = offset + type.size;
  return *sections_.emplace_back(new Section{std::string(path), std::string(doc), type, offset, TypeObject(type)});
}

const Section* Sections::find(std::string_view path) const {
  const auto found = std::ranges::find(sections_, path, [](const auto& section) -> std::string_view { return section->path; });
  return found == sections_.end() ? nullptr : found->get();
}

Block::Block(const Sections& sections) : sections_(sections), memory_(new std::byte[std::max<size_t>(1, sections.size())]) {
  for (const auto& section : sections_.all()) {
    section->type.construct(at(*section));
    section->type.assign(at(*section), section->initial.get());
  }
}

Block::~Block() {
  for (const auto& section : sections_.all()) section->type.destroy(at(*section));
}

void Block::assign(const Block& other) {
  for (const auto& section : sections_.all()) section->type.assign(at(*section), other.at(*section));
}

}  // namespace sofa::boot::detail
