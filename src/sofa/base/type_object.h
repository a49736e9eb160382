#pragma once
// One value of a type that is known at run time.

#include <memory>
#include <new>

#include "sofa/base/description.h"

namespace sofa {

/// A default object of a type, owned. The type outlives it.
class TypeObject {
 public:
  explicit TypeObject(const Type& type) : type_(type), memory_(::operator new(type.size, std::align_val_t(type.align))) { type_.construct(memory_); }
  TypeObject(const TypeObject&) = delete;
  TypeObject& operator=(const TypeObject&) = delete;
  ~TypeObject() {
    type_.destroy(memory_);
    ::operator delete(memory_, std::align_val_t(type_.align));
  }
  void* get() { return memory_; }
  const void* get() const { return memory_; }

 private:
  const Type& type_;
  void* memory_;
};

}  // namespace sofa
