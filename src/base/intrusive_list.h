// A list whose nodes are members or bases of what it links: no allocation, removal in constant time.
#pragma once

#include "base/assert.h"

namespace passerelle {

// A node is in at most one list. Destroying it takes it out. One thread.
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  [[nodiscard]] bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

// T derives from ListNode. The list owns nothing; it must be empty or outlived by nobody when it goes.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T& front() { return static_cast<T&>(*head_.next_); }
  [[nodiscard]] T& back() { return static_cast<T&>(*head_.previous_); }

  void push_back(T& item) { insert_before(head_, item); }
  void push_front(T& item) { insert_before(*head_.next_, item); }

  // Takes the first one out.
  T& pop_front() {
    T& item = front();
    static_cast<ListNode&>(item).unlink();
    return item;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const ListNode* node = head_.next_; node != &head_; node = node->next_)
      visit(static_cast<const T&>(*node));
  }

  // Visits each; `visit` may take the visited one out, but no other.
  template <class Visit>
  void for_each(Visit visit) {
    for (ListNode* node = head_.next_; node != &head_;) {
      ListNode* next = node->next_;
      visit(static_cast<T&>(*node));
      node = next;
    }
  }

 private:
  static void insert_before(ListNode& place, ListNode& node) {
    PASSERELLE_ASSERT(!node.linked());
    node.next_ = &place;
    node.previous_ = place.previous_;
    place.previous_->next_ = &node;
    place.previous_ = &node;
  }
  ListNode head_;
};

}  // namespace passerelle
