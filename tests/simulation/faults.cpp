// What breaks, and how it is mended.
#include "site.h"

namespace tandem::simulation {

void Site::break_something() {
  const Instant away = random_.one_in(3) ? random_.up_to(30s) : random_.up_to(3s);
  const auto again = [&](Process& process) {
    process.kill();
    schedule_.at(schedule_.steady() + away, [&process] { process.launch(); });
  };
  const auto part = [&](Process& a, Process& b) {
    const auto which = random_.pick(4);
    if (which != 0) network_.cut(a, b);
    if (which != 1) network_.cut(b, a);
    schedule_.trace("net", a.name() + " and " + b.name() + " are parted" +
                               (which == 0   ? ", from the second on"
                                : which == 1 ? ", from the first on"
                                             : ""));
    schedule_.at(schedule_.steady() + away, [this, &a, &b] {
      schedule_.trace("net", a.name() + " and " + b.name() + " meet again");
      network_.heal(a, b);
      network_.heal(b, a);
    });
  };
  Server& server = *random_.any(servers_);
  switch (random_.pick(12)) {
    case 0:
    case 1:
      return again(server);
    case 2:
    case 3:
      return part(server, any_connector());
    case 4:
      return again(any_connector());
    case 5:
      return server.pause(away);
    case 6:
      return any_connector().pause(away);
    case 7: {
      Phone& phone = any_phone();
      if (random_.one_in(3)) return again(phone);
      Connector& connector = any_connector();
      part(phone, connector);
      for (const DialogPtr& dialog : phone.dialogs()) {
        if (dialog->connector != &connector) continue;
        phone.look_for_silence(dialog);
        connector.look_for_silence(dialog);
      }
      return;
    }
    case 8:
      if (arbiter_) {
        if (random_.one_in(2)) return part(*servers_[0], *servers_[1]);
        return part(server, *arbiter_);
      }
      return part(*random_.any(desks_), server);
    case 9: {
      Disk& disk = any_connector().disk();
      if (random_.one_in(2)) {
        disk.be_full(true);
        schedule_.at(schedule_.steady() + away, [&disk] { disk.be_full(false); });
      } else {
        disk.be_slow(random_.up_to(3s));
        schedule_.at(schedule_.steady() + away, [&disk] { disk.be_slow(1ms); });
      }
      if (random_.one_in(2)) return;
      return again(any_connector());
    }
    case 10:
      return part(*kept_desk_, server);
    default:
      if (arbiter_ && server.primary()) return server.give_up_role(random_.one_in(3));
      return part(*random_.any(desks_), server);
  }
}

void Site::heal() {
  schedule_.trace("net", "the storm is over");
  network_.heal_all();
  for (const auto& one : connectors_) {
    one->disk().be_full(false);
    one->disk().be_slow(1ms);
    one->launch();
  }
  for (const auto& one : servers_) one->launch();
  for (const auto& one : phones_) one->launch();
}

}  // namespace tandem::simulation
