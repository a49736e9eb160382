#pragma once
// What the codec needs to know of a described type, worked out once for each type and thread: the operation, the fields in the order of the
// wire, the encoded class definitions, and how the last definition seen maps onto the fields.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/wire/hessian/dialect.h"

namespace sofa::hessian::detail {

enum class Op : uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  string,
  bytes,        // sofa::Bytes
  byte_vector,  // a list of bytes that is a binary on the wire
  timestamp,
  value,
  enumeration,
  structure,
  list,
  map,
  special,  // goes through a dynamic value: Uuid, ZoneOffset, JavaException
  optional,
  unique,
  shared,
  link,
  graph,
};

struct Plan;

struct FieldPlan {
  std::string_view name;  // the Java field's
  const Plan* plan;
  uint32_t offset;
  Op op;  // the plan's
};

/// An enum's constant in the stream of one writer.
struct ConstantMark {
  uint64_t writer_epoch = 0;
  uint32_t number = 0;
};

/// A definition as it stands on the wire, and the described field that each of its fields is (null: drop the value). Counted by hand and
/// without atomics: it belongs to one thread, and a reader takes one for each class of a stream.
struct Mapping {
  std::string definition;
  std::vector<const FieldPlan*> fields;
  uint32_t references = 1;

  void retain() { ++references; }
  void release() {
    if (--references == 0) delete this;
  }
};

struct Plan {
  const Type* type = nullptr;
  Op op = Op::value;
  bool has_identity = false;   // pointers to one object of this type are written as one object and references
  const Plan* item = nullptr;  // a list's element, a map's value, a pointer's target
  const Plan* key = nullptr;
  std::vector<FieldPlan> fields;  // in sofa-hessian's order; dubbo's is the reverse. An enum has its `name`

  struct Spelling {
    std::string class_name;
    std::vector<std::string_view> names;
    std::string definitions[2];  // by dialect; empty until the first use
  };
  Spelling spellings[2];   // by family; structures and enums
  std::string array_name;  // "[int" for Array<int32_t>, empty for other lists

  // Caches of the thread that owns the plan.
  mutable uint64_t writer_epoch = 0;  // the writer that gave the class the number below
  mutable uint32_t class_number = 0;
  mutable std::vector<ConstantMark> constants;  // by place in the EnumInfo
  mutable Mapping* last_mapping[2] = {};        // by dialect
  mutable size_t last_size = 0;                 // of the last map read: how many pairs to make room for next time

  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    for (Mapping* mapping : last_mapping) {
      if (mapping != nullptr) mapping->release();
    }
  }
};

/// The plan of this thread. Lives until the thread ends.
const Plan& plan_of(const Type& type);

/// The class name on the wire: java.time types have handle classes, whose package depends on the family (section 3).
std::string wire_class_name(std::string_view java_type, Family family);
/// "[int", "[string", "[com.acme.User", "[[int" for the type of an array's element.
std::string wire_array_name(const Type& element);

inline bool is_pointer(Op op) { return op >= Op::optional; }
/// Object identity matters: all holders of the object share it.
inline bool shares(Op op) { return op >= Op::shared; }

}  // namespace sofa::hessian::detail
