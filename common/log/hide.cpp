#include "common/log/hide.h"

#include <algorithm>

namespace tandem {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string hidden(std::string_view value) {
  return "**** (length:" + std::to_string(value.size()) + ")";
}

HiddenHeaders::HiddenHeaders(bool hide_sensitive, std::vector<std::string> more) : names_(std::move(more)) {
  if (!hide_sensitive) return;
  names_.emplace_back("Data");
  names_.emplace_back("Treatment-Params");
}

bool HiddenHeaders::hides(std::string_view name) const {
  return std::any_of(names_.begin(), names_.end(),
                     [&](const std::string& hidden_name) { return same(hidden_name, name); });
}

std::string HiddenHeaders::shown(std::string_view name, std::string_view value) const {
  return sensitive(hides(name), value);
}

}  // namespace tandem
