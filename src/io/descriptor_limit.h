// Who may use the last descriptors (RLIMIT_NOFILE): clients least, so that what is already here can be
// served.
#pragma once

namespace passerelle::io {

// Raises the soft limit of open files to the hard one: a gateway's connections are descriptors.
void raise_descriptor_limit();

// A value, taken once the limit is raised. The kernel hands out the lowest free number, so a number near the
// limit means that nearly all are used: whoever finds its new descriptor beyond its share closes it. No count
// is kept, and no thread can take what another has just given up.
class DescriptorShares {
 public:
  // Kept from clients, of the whole process; a quarter of the limit where that is smaller.
  static constexpr int reserved_max = 64;

  DescriptorShares();
  explicit DescriptorShares(int limit);

  [[nodiscard]] bool is_for_client(int descriptor) const { return descriptor < clients_; }
  // Connections to members: half of what clients may not have; the rest is for our own pages, files and
  // resolver.
  [[nodiscard]] bool is_for_member(int descriptor) const { return descriptor < members_; }

 private:
  int clients_;
  int members_;
};

}  // namespace passerelle::io
