// Who may begin a call: bounds for each source address and over all, so that one who floods, or never acknowledges,
// costs the others nothing. Pure. An INVITE that was let in holds a Ticket; the ticket counts as unanswered, then as
// unacknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/time.h"
#include "connector/sip/settings.h"

namespace tandem::connector {

class SipGate {
 private:
  struct Source {
    double tokens = 0;
    Instant filled{0};
    std::size_t unanswered = 0;
    std::size_t unacknowledged = 0;
  };

 public:
  enum class Verdict { Pass, RateOfSource, UnacknowledgedOfSource, UnansweredOfSource, Unacknowledged, Unanswered };

  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept { swap(other); }
    Ticket& operator=(Ticket&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Ticket() { done(); }
    void answered();  // a final response was sent
    void done();      // acknowledged, or given up
    bool waits_for_ack() const { return gate_ != nullptr && answered_; }

   private:
    friend class SipGate;
    Ticket(SipGate* gate, Source* source) : gate_(gate), source_(source) {}
    void swap(Ticket& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(source_, other.source_);
      std::swap(answered_, other.answered_);
    }
    SipGate* gate_ = nullptr;
    Source* source_ = nullptr;
    bool answered_ = false;
  };

  explicit SipGate(const SipSettings& settings) : settings_(settings) {}
  SipGate(const SipGate&) = delete;
  SipGate& operator=(const SipGate&) = delete;

  // `ip`: where the INVITE came from. Call ticket() if it is really let in.
  Verdict check(std::string_view ip, Instant now);
  // Once more for a caller who proved nothing: phones, trunks and proxies may have any number of calls waiting.
  Verdict check_stranger(std::string_view ip) const;
  Ticket ticket(std::string_view ip);

  std::size_t unanswered() const { return unanswered_; }
  std::size_t unacknowledged() const { return unacknowledged_; }
  std::size_t sources() const { return sources_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  Source& source(std::string_view ip, Instant now);
  void forget_idle(Instant now);

  const SipSettings& settings_;
  std::unordered_map<std::string, Source, Hash, std::equal_to<>> sources_;
  Source others_;  // shared by those that find no place of their own
  std::size_t unanswered_ = 0;
  std::size_t unacknowledged_ = 0;
};

const char* to_string(SipGate::Verdict verdict);

}  // namespace tandem::connector
