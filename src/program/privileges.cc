#include "program/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace passerelle::program {
namespace {

// What is left of root's rights, also for the binary that takes over. False: errno says why.
bool keep_only_low_ports() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> rights{};
  const auto low_ports = std::uint32_t{1} << CAP_NET_BIND_SERVICE;
  rights[0] = {low_ports, low_ports, low_ports};
  return ::syscall(SYS_capset, &header, rights.data()) == 0 &&
         ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0 &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

std::unexpected<std::string> cannot(const std::string& user, std::string_view what) {
  return std::unexpected(
      fmt::format("the process cannot become {}'s: {}: {}", user, what, std::strerror(errno)));
}

}  // namespace

std::expected<std::string, std::string> give_up_root(const std::string& user, const std::string& state) {
  if (::geteuid() != 0) {
    const passwd* self = user.empty() ? nullptr : ::getpwuid(::geteuid());
    if (user.empty() || (self != nullptr && user == self->pw_name)) return "";
    return std::unexpected(fmt::format("only root can have it run as {}", user));
  }
  const passwd* entry = ::getpwnam(user.empty() ? own_user : user.c_str());
  if (entry == nullptr && user.empty())
    return fmt::format("this runs as root: name a user with --user, or add the user {}", own_user);
  if (entry == nullptr) return std::unexpected(fmt::format("there is no user {}", user));
  if (entry->pw_uid == 0) return "";
  const std::string name = entry->pw_name, home = entry->pw_dir;
  if (!state.empty() && ::mkdir(state.c_str(), 0700) == 0 &&
      ::chown(state.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    return cannot(name, state);
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::initgroups(name.c_str(), entry->pw_gid) != 0 ||
      ::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
      ::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
    return cannot(name, "setresuid");
  if (!keep_only_low_ports()) return cannot(name, "capset");
  ::setenv("HOME", home.c_str(), 1);
  ::setenv("STATE_DIRECTORY", home.c_str(), 0);
  return "";
}

}  // namespace passerelle::program
