// Options as one object sees them: its own, then those of the weaker levels behind it, then the row's default.
// A pointer into an Environment: don't outlive it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/environment.h"
#include "common/config/option.h"

namespace tandem::config {

class Scope {
 public:
  Scope() = default;
  // Adds a weaker level behind those already there.
  Scope& then(Levels level, const Options& options);
  // Folder that relative paths start at.
  Scope& from(std::string folder);

  template <class T>
  T get(const Option<T>& row) const {
    return get(row, row.section);
  }
  // For rows of a section whose name the operator chose, such as a link section.
  template <class T>
  T get(const Option<T>& row, std::string_view section) const {
    if (const Value* value = find(row, section, row.name))
      if (auto read = read_value(value->text, row.range, static_cast<const T*>(nullptr)))
        return placed(std::move(*read));
    return placed(read_value(row.initial, row.range, static_cast<const T*>(nullptr)).value_or(T{}));
  }
  // Values of a numbered option in the order of their numbers.
  template <class T>
  std::vector<std::pair<int, T>> each(const Option<T>& row) const {
    std::vector<std::pair<int, T>> found;
    for (const auto& [n, value] : find_numbered(row))
      if (auto read = read_value(value->text, row.range, static_cast<const T*>(nullptr)))
        found.emplace_back(n, placed(std::move(*read)));
    return found;
  }
  // Whether any level sets it; and where.
  bool has(const Row& row) const { return find(row, row.section, row.name) != nullptr; }
  const Value* find(const Row& row, std::string_view section, std::string_view name) const;

 private:
  std::vector<std::pair<int, const Value*>> find_numbered(const Row& row) const;
  template <class T>
  T placed(T value) const {
    return value;
  }
  Path placed(Path value) const;

  struct Layer {
    Levels level = 0;
    const Options* options = nullptr;
  };
  std::array<Layer, 5> layers_{};
  std::size_t count_ = 0;
  std::string folder_;
};

// Level of the options of a DN.
Levels level_of(DnType type);

// Application: for a T-Server its options; for a Connector its options behind the annex of its pool's folder and of the
// switch, where the documented Connector settings live.
Scope scope_of(const Environment& environment, const Application& application);
// DN, then its pool's folder, then the T-Server.
Scope scope_of(const Environment& environment, const Application& tserver, const Switch& of, const DnObject& dn);
// Agent login, then DN, then its pool's folder, then the T-Server.
Scope scope_of(const Environment& environment, const Application& tserver, const Switch& of, const DnObject& dn,
               const AgentLogin& login);
// Folder of a pool, then the T-Server. "" is the default pool.
Scope scope_of_pool(const Environment& environment, const Application& tserver, std::string_view pool);

// One Connector link of a T-Server, from the section that its link-n-name names.
struct LinkConfig {
  int number = 0;
  std::string section;
  std::string hostname;
  std::uint16_t port = 0;
  bool tls = true;
  std::string pool;  // empty: the default pool
  bool use_certificate = true;
  bool verify_name = true;
  Seconds addp_timeout{0}, addp_remote_timeout{0};
  Milliseconds reconnect_timeout{0}, reconnect_timeout_max{0};
};
// In the order of their numbers; those whose section is missing are left out.
std::vector<LinkConfig> links_of(const Environment& environment, const Application& tserver);

// The pool that the T-Servers' link sections put a Connector in, by its host and link port. "" is the default pool.
std::string pool_of_connector(const Environment& environment, const Application& connector);

// Option server-id, or the place of the application in the file.
std::uint32_t server_id_of(const Environment& environment, const Application& tserver);

}  // namespace tandem::config
