#include "phone.h"

#include <algorithm>
#include <charconv>

namespace tandem::simulation {

using Phase = Dialog::Phase;

Described read_description(const std::string& sdp) {
  Described described;
  const auto line = sdp.find("m=audio ");
  if (line != std::string::npos) std::from_chars(sdp.data() + line + 8, sdp.data() + sdp.size(), described.port);
  described.held = sdp.find("a=sendonly") != std::string::npos || sdp.find("a=inactive") != std::string::npos;
  return described;
}

std::string Phone::describe(Dialog& dialog) {
  if (dialog.port == 0) dialog.port = ports_ += 2;
  return "v=0\r\no=- " + std::to_string(dialog.port) + " " + std::to_string(++dialog.version) +
         " IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio " + std::to_string(dialog.port) +
         " RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=" +
         (dialog.held ? "sendonly" : "sendrecv") + "\r\n";
}

DialogPtr Phone::add(DialogPtr dialog) {
  dialogs_.push_back(dialog);
  return dialog;
}

void Phone::over(const DialogPtr& dialog, const char* why) {
  if (dialog->phase == Phase::Over) return;
  dialog->phase = Phase::Over;
  std::erase(dialogs_, dialog);
  trace(dialog->call_id + " is over: " + why);
  dialog->connector->look_for_silence(dialog);
}

void Phone::ended() {
  while (!dialogs_.empty()) {
    const DialogPtr last = dialogs_.back();  // over() takes it off the list
    over(last, "the phone is off");
  }
}

// --- What its user does ---

void Phone::call(Connector& by, const std::string& to, const DialogPtr& replaces) {
  if (!alive()) return;
  auto dialog = std::make_shared<Dialog>(network_, *this, by);
  dialog->phone = this;
  dialog->connector = &by;
  dialog->by_phone = true;
  dialog->call_id = name() + "-" + std::to_string(life()) + "-" + std::to_string(++calls_);
  add(dialog);
  const std::string sdp = describe(*dialog);
  trace(dialog->call_id + " calls " + to + " by " + by.name());
  const auto lost = [this, dialog, life = life()] {
    if (this->life() == life) over(dialog, "no answer to the INVITE");
  };
  dialog->to_connector.send(
      [&by, dialog, to, sdp, replaces, lost] {
        if (!by.alive()) return lost();
        by.run([&by, dialog, to, sdp, replaces] { by.invited(dialog, to, sdp, replaces); });
      },
      kTimerB, lost);
  later(kTimerB, [this, dialog] {
    if (dialog->phase == Phase::Trying) over(dialog, "no response");
  });
  later(kTimerB * 3, [this, dialog] {
    if (dialog->phase != Phase::Up) hang_up(dialog);
  });
}

void Phone::hang_up(const DialogPtr& dialog) {
  if (!alive() || dialog->phase == Phase::Over) return;
  Connector& connector = *dialog->connector;
  if (dialog->phase == Phase::Up) {
    trace(dialog->call_id + " hangs up");
    dialog->to_connector.send([&connector, dialog] { connector.run([&connector, dialog] { connector.bye(dialog); }); },
                              kTimerB);
    return over(dialog, "hung up");
  }
  if (!dialog->by_phone) return respond(dialog, 603);
  if (std::exchange(dialog->wants_out, true)) return;
  trace(dialog->call_id + " cancels");
  dialog->to_connector.send(
      [&connector, dialog] { connector.run([&connector, dialog] { connector.cancelled(dialog); }); }, kTimerB);
  later(kTimerB * 2, [this, dialog] { over(dialog, "cancelled, and no answer"); });
}

void Phone::hold(const DialogPtr& dialog, bool on) {
  if (!alive() || dialog->phase != Phase::Up || dialog->changing || dialog->held == on) return;
  dialog->held = on;
  dialog->changing = true;
  trace(dialog->call_id + (on ? " holds" : " retrieves"));
  Connector& connector = *dialog->connector;
  dialog->to_connector.send(
      [&connector, dialog, sdp = describe(*dialog)] {
        connector.run([&connector, dialog, sdp] { connector.reinvited(dialog, sdp); });
      },
      kTimerB);
  later(kTimerB, [this, dialog, on, version = dialog->version] {
    if (!dialog->changing || dialog->version != version) return;
    dialog->changing = false;
    dialog->held = !on;
  });
}

void Phone::refer(const DialogPtr& dialog, const std::string& to, const DialogPtr& replaces) {
  if (!alive() || dialog->phase != Phase::Up) return;
  trace(dialog->call_id + " refers to " + to + (replaces ? " replacing " + replaces->call_id : ""));
  Connector& connector = *dialog->connector;
  dialog->to_connector.send(
      [&connector, dialog, to, replaces] {
        connector.run([&connector, dialog, to, replaces] { connector.referred(dialog, to, replaces); });
      },
      kTimerB);
}

void Phone::digit(const DialogPtr& dialog, char digit) {
  if (!alive() || dialog->phase != Phase::Up) return;
  Connector& connector = *dialog->connector;
  dialog->to_connector.send(
      [&connector, dialog, digit] { connector.run([&connector, dialog, digit] { connector.digit(dialog, digit); }); },
      kTimerB);
}

// --- Calls it is offered ---

void Phone::respond(const DialogPtr& dialog, int status, const std::string& sdp) {
  Connector& connector = *dialog->connector;
  std::vector<std::string> contacts;
  if (status == 302) contacts.push_back("<" + std::string(random_.one_in(2) ? "carol" : "bob") + ">");
  dialog->to_connector.send(
      [&connector, dialog, status, sdp, contacts] {
        connector.run(
            [&connector, dialog, status, sdp, contacts] { connector.responded(dialog, status, sdp, contacts); });
      },
      kTimerB,
      [this, dialog, status] {
        if (status >= 200 && status < 300) over(dialog, "its answer was never acknowledged");
      });
  if (status >= 300) over(dialog, "refused");
}

void Phone::invited(const DialogPtr& dialog, const std::string& sdp) {
  dialog->remote_port = read_description(sdp).port;
  add(dialog);
  trace(dialog->call_id + " is invited");
  const auto whim = well_ ? 19 : random_.pick(20);
  if (whim == 0) return;  // not a word
  if (whim == 1) return respond(dialog, 486);
  if (whim == 2) return respond(dialog, 603);
  if (whim == 3) return respond(dialog, 302);
  if (whim == 4 || outside_) {
    respond(dialog, 183, describe(*dialog));
  } else if (whim != 5) {
    respond(dialog, 180);
  }
  dialog->phase = Phase::Ringing;
  later(kTimerB * 5, [this, dialog] {
    if (dialog->phase == Phase::Ringing) respond(dialog, 480);
  });
  if (whim == 6) return;  // nobody is there
  const Instant rings = random_.one_in(6) ? random_.up_to(20s) : random_.up_to(well_ ? 1s : 4s);
  later(rings, [this, dialog, whim] {
    if (dialog->phase != Phase::Ringing) return;
    if (whim == 7) return respond(dialog, 480);
    answer(dialog);
  });
}

void Phone::answer(const DialogPtr& dialog) {
  dialog->phase = Phase::Up;
  trace(dialog->call_id + " answers");
  dialog->held = false;
  respond(dialog, 200, describe(*dialog));
  look_for_silence(dialog);
}

void Phone::talk(const DialogPtr& dialog) {
  if (dialog->phase == Phase::Ringing) answer(dialog);
}

void Phone::cancelled(const DialogPtr& dialog) {
  if (dialog->by_phone || dialog->phase == Phase::Up || dialog->phase == Phase::Over) return;
  respond(dialog, 487);
}

// --- Calls it makes ---

void Phone::responded(const DialogPtr& dialog, int status, const std::string& sdp) {
  if (!dialog->by_phone || dialog->phase == Phase::Over || dialog->phase == Phase::Up) {
    // Nobody is at it any more: the 2xx is acknowledged and the dialog ended (481 to what follows).
    if (status >= 200 && status < 300 && dialog->phase == Phase::Over && alive()) gone(dialog);
    return;
  }
  if (status >= 300) return over(dialog, "refused");
  if (!sdp.empty()) dialog->remote_port = read_description(sdp).port;
  if (status < 200) {
    dialog->phase = Phase::Ringing;
    return;
  }
  dialog->phase = Phase::Up;
  trace(dialog->call_id + " is up");
  Connector& connector = *dialog->connector;
  dialog->to_connector.send([&connector, dialog] { connector.run([&connector, dialog] { connector.acked(dialog); }); },
                            kTimerB);
  if (dialog->wants_out) return hang_up(dialog);
  look_for_silence(dialog);
}

// --- In the dialog ---

void Phone::bye(const DialogPtr& dialog) {
  over(dialog, "BYE");
}

void Phone::gone(const DialogPtr& dialog) {
  over(dialog, "481");
}

void Phone::reinvited(const DialogPtr& dialog, std::uint32_t number, const std::string& sdp) {
  Connector& connector = *dialog->connector;
  int status = 200;
  std::string body;
  if (dialog->phase != Phase::Up) {
    status = 481;
  } else if (dialog->changing) {
    status = 491;
  } else {
    dialog->remote_port = read_description(sdp).port;
    body = describe(*dialog);
  }
  dialog->to_connector.send(
      [&connector, dialog, number, status, body] {
        connector.run(
            [&connector, dialog, number, status, body] { connector.reinvite_answered(dialog, number, status, body); });
      },
      kTimerB);
}

void Phone::reinvite_answered(const DialogPtr& dialog, int status, const std::string& sdp) {
  if (!dialog->changing) return;
  dialog->changing = false;
  if (status == 481) return gone(dialog);
  if (status >= 300) {
    dialog->held = !dialog->held;
    return;
  }
  dialog->remote_port = read_description(sdp).port;
  Connector& connector = *dialog->connector;
  dialog->to_connector.send(
      [&connector, dialog] { connector.run([&connector, dialog] { connector.reinvite_acked(dialog); }); }, kTimerB);
}

void Phone::look_for_silence(const DialogPtr& dialog) {
  const auto watch = ++dialog->rtp_watch;
  const auto silent = [this, dialog] {
    const Connector& connector = *dialog->connector;
    return dialog->phase == Phase::Up && (!connector.has(*dialog) || network_.is_cut(connector.host(), host()));
  };
  if (!silent()) return;
  later(20s + random_.up_to(5s), [this, dialog, watch, silent] {
    if (dialog->rtp_watch != watch || !silent()) return;
    over(dialog, "hears nothing any more");
  });
}

}  // namespace tandem::simulation
