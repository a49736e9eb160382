#pragma once
// JSON Schema (2020-12) of described types: of the messages of an interface, as OpenAPI wants it, and of configuration files, as editors and
// validators want it.
//
//   std::string schema = config_schema(type_of<Options>(), nullptr, {.title = "bank"});     // a document of its own
//
//   JsonSchemas schemas(JsonSchemas::Use::message, "#/components/schemas/");                 // parts of another document
//   const std::string request = schemas.of(type_of<Transfer>());
//   for (const auto& [name, schema] : schemas.definitions()) ...

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/json_object.h"

namespace sofa {

/// The schemas of types, and those that they refer to. One thread at a time.
class JsonSchemas {
 public:
  enum class Use : uint8_t {
    /// JSON as to_json writes it: integer formats, unknown members allowed; a struct with a Java name is referred to.
    message,
    /// YAML or JSON as from_yaml reads it: no unknown key, defaults, durations and sizes as texts, lists and mappings that may be left empty,
    /// aliases;
    /// `x-unit`, `x-live`, `writeOnly` for secrets. Structs in lists, maps and pointers are referred to, so that recursion ends.
    configuration,
  };
  /// `definitions` is where definitions() stand in the document: "#/$defs/".
  JsonSchemas(Use use, std::string definitions) : use_(use), prefix_(std::move(definitions)) {}

  /// The schema of a type. `defaults`, an object of it, gives the default of each field of a configuration; null: the type's own.
  std::string of(const Type& type, const void* defaults = nullptr);
  /// The type's schema with what the field says beside it. `value` is the field's default, or null.
  std::string of_field(const Field& field, const void* value = nullptr);
  /// The schemas that others refer to, by name.
  const std::map<std::string, std::string>& definitions() const { return definitions_; }

  /// Of an object with these members, and those that must be there.
  static std::string of_object(const JsonObject& properties, const std::vector<std::string>& required);

 private:
  struct Context;
  std::string write(const Type& type, const Context& context);
  std::string write_field(const Field& field, const Context& context);
  std::string write_struct(const Type& type, const Context& context);
  std::string write_definition(const Type& type, const std::string& name);
  std::string write_number(const Type& type, const Context& context) const;
  std::string write_container(std::string_view type_name, std::string_view items_name, const Type& items, const Context& context);
  bool is_configuration() const { return use_ == Use::configuration; }

  const Use use_;
  const std::string prefix_;
  std::map<std::string, std::string> definitions_;
  std::map<const StructInfo*, std::string> names_;  // of those that have none in Java
};

/// What a text format takes for a field, in words: "a whole number from 1 to 60000 ms", "one of fast, safe", "text".
std::string input_of(const Field& field);

struct ConfigSchemaOptions {
  std::string title{};
  std::string description{};
};

/// The schema of a configuration file as a document. `defaults` is an object of the type, or null for the type's own defaults.
std::string config_schema(const Type& type, const void* defaults, const ConfigSchemaOptions& options = {});

}  // namespace sofa
