// Patterns of dialed addresses (option dial-plan-rule-n of a dial plan DN, MMC-218, MMC-220).
//
// Outside braces a character stands for itself, in either case. Inside braces D stands for one digit, S for one
// character, # for any number of digits and * for any number of characters, none included; others stand for themselves.
// A pattern matches a whole address: "sip:{SSSS}@{*}" is any user of four characters in any domain. Blanks don't count,
// neither in a pattern nor in an address. Behind "=>" stands what the address becomes: a run of question marks bars it
// (MMC-166), "1234=>????"; nothing else is understood there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

class DialPlanRule {
 public:
  // None if it can't be read: braces that don't pair, nothing in it, too long, or another target than question marks.
  static std::optional<DialPlanRule> parse(std::string_view text);

  // Linear in pattern times address, whatever is in them.
  bool matches(std::string_view address) const;
  bool bars() const { return bars_; }
  const std::string& text() const { return text_; }

 private:
  enum class Kind : std::uint8_t { Literal, Digit, Character, Digits, Characters };
  struct Token {
    Kind kind;
    char literal;
  };
  std::vector<Token> tokens_;
  std::string text_;
  bool bars_ = false;
};

}  // namespace tandem
