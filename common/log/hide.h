// What must not be readable in a log (options hide-sensitive-data and hide-header): digits, treatment parameters,
// headers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

// "**** (length:4)"
std::string hidden(std::string_view value);

// Digits a caller pressed, treatment parameters: as they are, or hidden.
inline std::string sensitive(bool hide, std::string_view value) {
  return hide ? hidden(value) : std::string(value);
}

// Which headers of CTI link messages are printed with their value hidden. Names are compared without regard to case.
class HiddenHeaders {
 public:
  // With `hide_sensitive`, Data and Treatment-Params are hidden (MMC-277); `more` is option hide-header (MMC-278).
  HiddenHeaders(bool hide_sensitive, std::vector<std::string> more);
  bool hides(std::string_view name) const;
  // The value as it may be printed.
  std::string shown(std::string_view name, std::string_view value) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace tandem
