// What a Certificate is made of; for tls/ itself.
#pragma once

#include <vector>

#include "tls/certificate.h"
#include "tls/openssl_handles.h"

namespace passerelle::tls {

struct Certificate::Parts {
  CertificateHandle leaf;
  KeyHandle key;
  std::vector<CertificateHandle> chain;  // without the leaf
};

}  // namespace passerelle::tls
