#pragma once
// The parameters of a class's constructor, as types. C++ cannot list them, but it can convert: `C(Probe<0>, Probe<1>)` is tried in an unevaluated
// operand, and the conversion that overload resolution picks for each probe leaves its target type behind as the return type of a friend function,
// which Probed<C, N, I> then reads. Only parameters that boot can give are converted to: references (reference.h), extension points (extension.h)
// and described configurations, by value or const&. Of several constructors the one with most such parameters counts; two of equal length are
// ambiguous, and refused by the compiler.

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sofa/base/description.h"
#include "sofa/boot/extension.h"
#include "sofa/boot/reference.h"

namespace sofa::boot::detail {

template <class T>
struct IsReference : std::false_type {};
template <class T, FixedText U>
struct IsReference<Ref<T, U>> : std::true_type {};
template <class T, FixedText U>
struct IsReference<Optional<T, U>> : std::true_type {};
template <class T>
struct IsReference<All<T>> : std::true_type {};

template <class T>
struct IsExtensionPoint : std::false_type {};
template <class T, FixedText N>
struct IsExtensionPoint<ExtensionPoint<T, N>> : std::true_type {};

template <class T>
concept Described = std::is_class_v<T> && (DescribedByMember<T> || DescribedByFunction<T>);

/// What boot can give to a constructor.
template <class T>
concept Injectable = IsReference<T>::value || IsExtensionPoint<T>::value || Described<T>;

inline constexpr size_t kMaxParameters = 12;

template <class T>
struct TypeTag {
  using type = T;
};

template <class C, size_t Count, size_t Index>
struct Slot {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-inline"
  friend constexpr auto parameter_at(Slot<C, Count, Index>);
#pragma clang diagnostic pop
};

template <class C, size_t Count, size_t Index, class T>
struct Found {
  friend constexpr auto parameter_at(Slot<C, Count, Index>) { return TypeTag<T>{}; }
};

template <class C, size_t Count, size_t Index>
struct Probe {
  // The order of the defaults matters: what cannot be given must not leave its type behind.
  template <class T, class = std::enable_if_t<!std::same_as<T, C> && Injectable<T>>, size_t = sizeof(Found<C, Count, Index, T>)>
  operator T() const;
};

template <class C, size_t Count, size_t... Index>
constexpr bool takes(std::index_sequence<Index...>) {
  return requires { C(Probe<C, Count, Index>{}...); };
}

/// How many parameters boot gives to C's constructor; kMaxParameters + 1 when it can call none.
template <class C, size_t Count = kMaxParameters>
constexpr size_t parameter_count() {
  if constexpr (takes<C, Count>(std::make_index_sequence<Count>{})) {
    return Count;
  } else if constexpr (Count == 0) {
    return kMaxParameters + 1;
  } else {
    return parameter_count<C, Count - 1>();
  }
}

template <class C, size_t Count, size_t... Index>
auto parameters_of(std::index_sequence<Index...>) -> std::tuple<typename decltype(parameter_at(Slot<C, Count, Index>{}))::type...>;

/// A class that boot can construct.
template <class C>
concept Constructible = std::is_class_v<C> && !std::is_abstract_v<C> && parameter_count<C>() <= kMaxParameters;

/// std::tuple of the parameters' types, without const&.
template <Constructible C>
using Parameters = decltype(parameters_of<C, parameter_count<C>()>(std::make_index_sequence<parameter_count<C>()>{}));

/// The same of a function that makes a component: a lambda or a function pointer.
template <class F>
struct MakerShape : MakerShape<decltype(&F::operator())> {};
template <class R, class... P>
struct MakerShape<R (*)(P...)> {
  using Parameters = std::tuple<std::remove_cvref_t<P>...>;
  using Made = R;
};
template <class F, class R, class... P>
struct MakerShape<R (F::*)(P...) const> : MakerShape<R (*)(P...)> {};
template <class F, class R, class... P>
struct MakerShape<R (F::*)(P...)> : MakerShape<R (*)(P...)> {};

}  // namespace sofa::boot::detail
