// Whom the process runs as: never root, unless it is told.
#pragma once

#include <expected>
#include <string>

namespace passerelle::program {

// The user that the package makes.
inline constexpr const char* own_user = "passerelle";

// Call before any thread is started. A process of root's becomes `user`'s, keeps the right to listen on ports
// below 1024, and can gain no other; the state folder is the user's home unless something else is said. With
// an empty name it becomes `own_user`'s, where there is one. Whoever is not root stays who he is. `state`: a
// folder that is made for the user where it is missing; may be empty. Returns what there is to say, which may
// be nothing; the error is a sentence.
[[nodiscard]] std::expected<std::string, std::string> give_up_root(const std::string& user,
                                                                   const std::string& state);

}  // namespace passerelle::program
