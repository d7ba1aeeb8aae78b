// The process's heap, as a whole.
#pragma once

namespace passerelle::io {

// What is free of it goes back to the system. Takes milliseconds, and holds up who allocates meanwhile: for
// the background, in a quiet moment.
void give_heap_back();

}  // namespace passerelle::io
