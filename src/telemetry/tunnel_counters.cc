#include "telemetry/tunnel_counters.h"

namespace passerelle::telemetry {

std::string CloseCodes::name(std::size_t slot) {
  switch (slot) {
    case of_libraries: return "3xxx";
    case of_applications: return "4xxx";
    case none: return "none";
    case other: return "other";
    default: return std::to_string(1000 + slot);
  }
}

}  // namespace passerelle::telemetry
