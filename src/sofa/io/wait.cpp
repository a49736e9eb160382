#include "sofa/io/wait.h"

#include "sofa/io/shard.h"

namespace sofa::io {

void Wait::enlist() {
  Shard& shard = Shard::current();
  since_ = shard.now();
  shard.add_waiting(*this);
}

void Wait::become_ready(State state) {
  state_ = state;
  QueueHook::unlink();
  WaitingHook::unlink();
  Shard::current().make_ready(*this);
}

void Wait::wake() {
  if (state_ != State::waiting) return;
  CancelHook::unlink();
  become_ready(State::woken);
}

void Wait::on_scope_cancelled(CancelHook& self, const Error&) { static_cast<Wait&>(self).become_ready(State::cancelled); }

}  // namespace sofa::io
