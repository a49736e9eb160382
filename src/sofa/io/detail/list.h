#pragma once
// Intrusive doubly linked lists: linking and unlinking allocate nothing and cost a few instructions. A destroyed element leaves its list.

#include <utility>

namespace sofa::io::detail {

template <class Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class List;
  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

/// T derives from ListHook<Tag>. The list owns nothing; it must be empty or outlive its elements when destroyed (elements are let go).
template <class T, class Tag>
class List {
  using Hook = ListHook<Tag>;

 public:
  List() { head_.prev_ = head_.next_ = &head_; }
  ~List() {
    while (!empty()) pop_front();
    head_.prev_ = head_.next_ = nullptr;
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  T& front() { return static_cast<T&>(*head_.next_); }
  void push_back(T& element) {
    Hook& hook = element;
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }
  T& pop_front() {
    T& first = front();
    static_cast<Hook&>(first).unlink();
    return first;
  }
  /// Moves all elements of `other` to the end of this list.
  void take_all(List& other) {
    if (other.empty()) return;
    Hook* first = other.head_.next_;
    Hook* last = other.head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other.head_.prev_ = other.head_.next_ = &other.head_;
  }
  template <class F>
  void for_each(F&& visit) {
    for (Hook* hook = head_.next_; hook != &head_; hook = hook->next_) visit(static_cast<T&>(*hook));
  }

 private:
  Hook head_;
};

}  // namespace sofa::io::detail
