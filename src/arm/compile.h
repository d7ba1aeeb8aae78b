// From the resource as written, and the local file, to the model. Every check appends a problem; none stops
// the rest.
#pragma once

#include <map>
#include <set>

#include "arm/local_file.h"
#include "arm/property_reader.h"
#include "arm/resource.h"
#include "model/gateway.h"

namespace passerelle::arm {

// What all parts of the compilation share, for the time of one load.
struct Compilation {
  const Resource& resource;
  const LocalFile& local;
  ProblemList& problems;
  model::Gateway& gateway;
  // Each setting is read once, however many rules use it, so that its problems are said once.
  std::map<const Item*, std::optional<model::BackendSettings>>& settings_read;
  std::set<const Item*>& probes_read;

  // The element an id names; reports one that is not there, with what there is.
  [[nodiscard]] const Item* resolve(const PropertyReader& from, std::string_view property,
                                    std::string_view collection, bool required) const;
  // Those that a list of ids names.
  [[nodiscard]] std::vector<const Item*> resolve_all(const PropertyReader& from, std::string_view property,
                                                     std::string_view collection) const;

 private:
  [[nodiscard]] const Item* find(const ItemReference& reference, const Position& where,
                                 const std::string& path, std::string_view collection) const;
};

void compile_certificates(const Compilation& c);
void compile_trusted_certificates(const Compilation& c);
// After the trusted certificates: policies and profiles.
void compile_tls_policies(const Compilation& c);
// Into Gateway::trusted_certificates: those that this list of ids names; it is named as the collection is.
[[nodiscard]] std::vector<std::size_t> trusted_certificates_of(const Compilation& c,
                                                               const PropertyReader& reader,
                                                               std::string_view property);
void compile_listeners(const Compilation& c);
void compile_error_pages(const Compilation& c);
// Those a listener has for itself.
[[nodiscard]] std::vector<model::ErrorPage> read_error_pages(const Compilation& c, const Item& holder);
void compile_redirects(const Compilation& c);
void compile_rewrites(const Compilation& c);
void compile_rules(const Compilation& c);
// Once listeners and rules are known: the order in which listeners are asked.
void order_listeners(const Compilation& c);
// Warnings: what loads and will not do what it seems to.
void lint(const Compilation& c);
// Names of the local file and the command line that nothing in the template has.
void check_local_names(const Compilation& c);
// Settings and probes that no rule uses: what is wrong with them is said all the same.
void check_unused_backends(const Compilation& c);
void compile_options(const Compilation& c);

// Where a group's members come from: a pool, or the pools of a load distribution policy.
struct GroupSource {
  struct Share {
    const Item* pool = nullptr;
    std::uint32_t weight = 1;
  };
  std::string name;
  bool is_policy = false;
  model::Balancing balancing = model::Balancing::round_robin;
  std::vector<Share> pools;
};
// The index of the group for this source and setting; made at the first asking.
[[nodiscard]] std::optional<model::Index> compile_group(const Compilation& c, const GroupSource& source,
                                                        const Item& settings);
// Nothing: the policy cannot be used, and that was said.
[[nodiscard]] std::optional<GroupSource> read_load_distribution(const Compilation& c, const Item& policy);

}  // namespace passerelle::arm
