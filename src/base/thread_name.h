// What top(1) and a debugger call a thread.
#pragma once

#include <pthread.h>

namespace passerelle {

// At most 15 characters; longer ones leave the name as it was.
inline void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace passerelle
