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

}  // namespace tandem::config
