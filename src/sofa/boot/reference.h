#pragma once
// What a component's constructor may ask for, beside its configuration:
//
//   class Transfers {
//    public:
//     Transfers(TransfersConfig config, Ref<Journal> journal, Ref<Risk, "eu"> risk, Optional<Tracer> tracer, All<Check> checks);
//   };
//
// An interface is any class: a component's own, a base class that it `provides`, or a service (rpc::Interface). A reference keeps what it points to
// alive, and is as cheap to copy and to use as a std::shared_ptr. One to a service is a client of it: of the service in this process, called without
// a wire (rpc/in_process.h), or of a remote one; it is connected when the component starts. The graph of references is known before anything is
// constructed, because it stands in the constructors' types; there is no way to look something up by name.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/fixed_text.h"

namespace sofa::boot {

/// Exactly one component must provide T under this unique id; of a service, none may: then the reference is a client of a remote one.
template <class T, FixedText UniqueId = "">
class Ref {
 public:
  explicit Ref(std::shared_ptr<T> target) : target_(std::move(target)) {}
  T* operator->() const { return target_.get(); }
  T& operator*() const { return *target_; }
  const std::shared_ptr<T>& share() const { return target_; }

 private:
  std::shared_ptr<T> target_;  // never null
};

/// The component that provides T under this unique id, or nothing.
template <class T, FixedText UniqueId = "">
class Optional {
 public:
  explicit Optional(std::shared_ptr<T> target) : target_(std::move(target)) {}
  explicit operator bool() const { return target_ != nullptr; }
  T* operator->() const { return target_.get(); }
  T& operator*() const { return *target_; }
  const std::shared_ptr<T>& share() const { return target_; }

 private:
  std::shared_ptr<T> target_;
};

/// Every component that provides T, under any unique id, in the order of their registration; often none.
template <class T>
class All {
 public:
  explicit All(std::vector<std::shared_ptr<T>> targets) : targets_(std::move(targets)) {}
  auto begin() const { return targets_.begin(); }
  auto end() const { return targets_.end(); }
  size_t size() const { return targets_.size(); }
  bool empty() const { return targets_.empty(); }

 private:
  std::vector<std::shared_ptr<T>> targets_;
};

/// Which C++ type an interface is: compared by identity, shown by name ("bank.Ledger" for a service, else the C++ name).
struct InterfaceId {
  const void* identity = nullptr;
  std::string_view name{};
  friend bool operator==(const InterfaceId& a, const InterfaceId& b) { return a.identity == b.identity; }
};

namespace detail {
template <class T>
inline constexpr char kIdentity = 0;

/// "bank::Ledger", from the compiler's text of this function.
template <class T>
constexpr std::string_view cpp_name_of() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr size_t begin = text.find("T = ") + 4;
  return text.substr(begin, text.find_first_of(";]", begin) - begin);
}
}  // namespace detail

template <class T>
constexpr InterfaceId interface_of() {
  if constexpr (requires { std::string_view(T::kName); }) {
    return {&detail::kIdentity<T>, T::kName};
  } else {
    return {&detail::kIdentity<T>, detail::cpp_name_of<T>()};
  }
}

}  // namespace sofa::boot
