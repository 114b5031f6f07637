// The table of handlers. A feature registers what it serves; everything else is refused with TERR_UNSUP_OPER.
#pragma once

#include <array>
#include <bitset>
#include <initializer_list>
#include <optional>

#include "proto/link.pb.h"
#include "tserver/features/core.h"

namespace tandem::tserver {

struct Request {
  Client& client;
  tlib::Message& message;
  Asker asker() const { return {client.session, message.referenceid()}; }
};

// A request's handler returns why it refuses, or nothing: then it has answered, or will (Core::hold).
using OnRequest = std::optional<Refusal> (*)(Core&, Request&);
using OnHappening = void (*)(Core&, CtiLink&, const link::Happening&);
using OnTimer = void (*)(Core&, const TimerKey&);

struct Table {
  static constexpr std::size_t kRequests = 256;
  static constexpr std::size_t kHappenings = 64;
  static constexpr std::size_t kTimers = 64;

  std::array<OnRequest, kRequests> requests{};
  std::array<OnHappening, kHappenings> happenings{};
  std::array<OnTimer, kTimers> timers{};
  std::bitset<kMaskBits> capabilities;  // requests served and events made
  tlib::KVList extended;                // of an attribute, the values that are served: a list under its name

  void serve(tlib::MessageType type, OnRequest handler) {
    requests[static_cast<std::size_t>(type)] = handler;
    capabilities.set(static_cast<std::size_t>(type));
  }
  void serves_only(const char* attribute, std::initializer_list<const char*> values) {
    tlib::KVPair& pair = *extended.add_pairs();
    pair.set_key(attribute);
    for (const char* value : values) {
      tlib::KVPair& served = *pair.mutable_list()->add_pairs();
      served.set_key(value);
      served.set_int_(1);
    }
  }
  void makes(std::initializer_list<tlib::MessageType> events) {
    for (const auto type : events) capabilities.set(static_cast<std::size_t>(type));
  }
  void on(link::Happening::WhatCase what, OnHappening handler) { happenings[static_cast<std::size_t>(what)] = handler; }
  void on(TimerKind kind, OnTimer handler) { timers[static_cast<std::size_t>(kind)] = handler; }
};

}  // namespace tandem::tserver
