#pragma once
// A counted pointer for objects of one shard: no atomics.

#include <cstddef>
#include <utility>

namespace sofa::transport {

/// Keeps a T alive through T::retain() and T::release().
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T& object) : object_(&object) { object.retain(); }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref&, const Ref&) = default;
  friend bool operator==(const Ref& ref, std::nullptr_t) { return ref.object_ == nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace sofa::transport
