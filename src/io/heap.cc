#include "io/heap.h"

#include <malloc.h>

namespace passerelle::io {

void give_heap_back() { (void)::malloc_trim(0); }

}  // namespace passerelle::io
