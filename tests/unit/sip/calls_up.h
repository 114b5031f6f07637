// Calls that are up already, for what happens in them.
#pragma once

#include "bench_room.h"

namespace tandem::connector::test {

// A phone's call to us, answered. `number` tells several apart.
struct IncomingCall {
  LegId leg;
  Message ok;
  IncomingCall(Bench& bench, Peer& peer, int number = 1, const std::string& more = "") {
    const auto n = std::to_string(number);
    peer.towards("127.0.0.1", bench.port());
    peer.send(peer.make("INVITE", "sip:support@tandem.test", "up" + n, 1, "up-" + n, "", kOffer, more));
    const auto invited = bench.next<Invited>();
    REQUIRE(invited);
    leg = invited->leg;
    bench.perform(answer_with(leg, 200, kAnswer));
    const auto answer = peer.response(200);
    REQUIRE(answer);
    ok = *answer;
    peer.send(peer.make("ACK", "sip:support@tandem.test", "ack" + n, 1, "up-" + n, ok.tag("To")));
    REQUIRE(bench.next<Acked>());
  }
};

// Our call to a phone: rings, with `more` in its 180.
struct OutgoingCall {
  LegId leg;
  Message invite;
  OutgoingCall(Bench& bench, Peer& peer, int number = 1) : leg{1ull << 63 | static_cast<std::uint64_t>(number)} {
    peer.towards("127.0.0.1", bench.port());
    SendInvite order = invite_to(peer, leg);
    order.target.dn = "sip:bob@tandem.test";
    bench.perform(order);
    auto came = peer.request("INVITE");
    REQUIRE(came);
    invite = std::move(*came);
  }
  Progressed ringing(Bench& bench, Peer& peer, const std::string& more = "") {
    peer.send(peer.answer(invite, 180, "bob", "", more));
    const auto progress = bench.next<Progressed>();
    REQUIRE(progress);
    return *progress;
  }
  Message answered(Bench& bench, Peer& peer) {
    peer.send(peer.answer(invite, 200, "bob", kAnswer));
    const auto ack = peer.request("ACK");
    REQUIRE(ack);
    REQUIRE(bench.next<InviteAccepted>());
    return *ack;
  }
};

}  // namespace tandem::connector::test
