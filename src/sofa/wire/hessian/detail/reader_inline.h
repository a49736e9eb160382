#pragma once
// The steps of a Reader that every value takes.

#include "sofa/wire/hessian/detail/plan.h"
#include "sofa/wire/hessian/detail/tags.h"
#include "sofa/wire/hessian/detail/text.h"
#include "sofa/wire/hessian/reader.h"

namespace sofa::hessian {

inline bool Reader::need(size_t n) {
  if (left() >= n) [[likely]] {
    return true;
  }
  return truncated();
}

/// Takes the tag of the next value; class definitions before it go into their table. `expected` is the type that the value is read into.
inline bool Reader::next(Tag& tag, uint8_t& byte, const Plan* expected) {
  while (true) {
    value_at_ = at_;
    if (at_ == end_) [[unlikely]] {
      return truncated();
    }
    byte = *at_;
    tag = tags_[byte];
    if (tag != Tag::definition) [[likely]] {
      ++at_;
      return true;
    }
    if (!definition(expected)) return false;
  }
}

inline bool Reader::enter() {
  if (++depth_ <= limits_.depth) [[likely]] {
    return true;
  }
  return fail_with(Code::resource_exhausted, fmt::format("values are nested deeper than {}", limits_.depth));
}

inline bool Reader::charge(size_t bytes) {
  if (bytes <= memory_left_) [[likely]] {
    memory_left_ -= bytes;
    return true;
  }
  return fail_with(Code::resource_exhausted, fmt::format("the values need more than {} bytes of memory", limits_.memory));
}

/// Does the list or map end here? Takes the end mark.
inline bool Reader::ends(const Container& head, int64_t index, bool& end) {
  if (!head.end_mark) {
    end = index == head.length;
    return true;
  }
  if (at_ == end_) [[unlikely]] {
    value_at_ = at_;
    return truncated();
  }
  end = *at_ == (h4_ ? 'Z' : 'z');
  at_ += end ? 1 : 0;
  return true;
}

/// Gives the value whose tag was taken its number.
inline bool Reader::start_number(uint32_t& number) {
  number = next_number_++;
  if (number == starts_.size()) [[likely]] {
    starts_.push({static_cast<uint32_t>(value_at_ - begin_), next_class_, next_type_, pending_target_, 0, false});
    pending_target_ = 0;
    return true;
  }
  if (pending_target_ != 0) starts_[number].target = pending_target_;
  pending_target_ = 0;
  if (copies_left_ > 0) {
    --copies_left_;
    return true;
  }
  return fail_with(Code::resource_exhausted,
                   fmt::format("references make more than {} copies of objects that are held by value; hold them by Link", limits_.copies));
}

/// The string of up to 31 units at p, wholly inside the input, when it is ASCII; false, with nothing taken, when it is not.
inline bool Reader::read_short_text(const uint8_t* p, std::string& out) {
  struct Step {
    const uint8_t* from;
    bool ascii;
  } step{p, false};
  // One captured pointer: the library hands the callable on by value, and more than a register would go through memory. The size is read anew:
  // libstdc++ 12 passes the capacity that it made instead of the size that was asked for.
  out.resize_and_overwrite(*p, [at = &step](char* to, size_t) {
    const size_t size = *at->from;
    at->ascii = detail::copy_short_ascii(reinterpret_cast<uint8_t*>(to), reinterpret_cast<const char*>(at->from + 1), size);
    return size;
  });
  if (step.ascii) at_ = p + 1 + *p;
  return step.ascii;
}

}  // namespace sofa::hessian
