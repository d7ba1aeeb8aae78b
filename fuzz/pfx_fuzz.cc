// PFX files, PEM chains and keys, trusted certificates: whatever the bytes, a certificate or a reason. The
// first line is the password; a NUL divides chain from key.
#include "fuzz/pieces.h"
#include "tls/authorities.h"
#include "tls/certificate.h"

using namespace passerelle;

namespace {

void use(const tls::Certificate::Outcome& read) {
  if (!read) return fuzz::must(!read.error().message.empty());
  (void)read->not_after();
  (void)read->chain_error();
  (void)read->is_for("a.example");
  fuzz::must(read->fingerprint().size() == 32);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  const auto line = input.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto rest = input.substr(line + 1);
  use(tls::Certificate::from_pfx(rest, std::string(input.substr(0, line))));
  const auto end = rest.find('\0');
  if (end != std::string_view::npos)
    use(tls::Certificate::from_pem(rest.substr(0, end), rest.substr(end + 1)));
  if (const auto trusted = tls::Authorities::read(rest)) {
    fuzz::must(!trusted->empty() && trusted->root_count() <= trusted->authority_count());
    (void)trusted->without_leaves().make_store(false);
    (void)trusted->digest();
  }
  return 0;
}
