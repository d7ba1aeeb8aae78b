// For our own bugs, on in release too. Nothing a client, a backend or an operator sends may trip one.
#pragma once

#include <cstdio>
#include <cstdlib>

#define PASSERELLE_ASSERT(condition)                                                               \
  do {                                                                                             \
    if (!(condition)) [[unlikely]] {                                                               \
      std::fprintf(stderr, "%s:%d: a bug of Passerelle's: %s does not hold\n", __FILE__, __LINE__, \
                   #condition);                                                                    \
      std::abort();                                                                                \
    }                                                                                              \
  } while (false)
