#include "phone.h"

#include <algorithm>
#include <charconv>

namespace tandem::simulation {

using Phase = Dialog::Phase;

Pipe& Dialog::to_phone(Connector& from) {
  auto& pipe = there_[&from];
  if (!pipe) pipe = std::make_unique<Pipe>(network, from, *phone, phone->way());
  return *pipe;
}

Pipe& Dialog::to_connector(Connector& to) {
  auto& pipe = back_[&to];
  if (!pipe) pipe = std::make_unique<Pipe>(network, *phone, to, phone->way());
  return *pipe;
}

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

template <class What>
void Phone::say(const DialogPtr& dialog, What what) {
  say_to(*dialog->connector, dialog, what);
}

template <class What>
void Phone::say_to(Connector& to, const DialogPtr& dialog, What what, Action lost) {
  const auto arrives = [&to, what] { to.run([&to, what] { what(to); }); };
  const Instant until = schedule_.steady() + kTimerB;
  try_to_say(to, dialog, arrives, std::move(lost), until);
  if (random_.one_in(15)) try_to_say(to, dialog, arrives, {}, until);
}

// A program that isn't there hears the next repetition.
void Phone::try_to_say(Connector& to, const DialogPtr& dialog, std::function<void()> what, Action lost, Instant until) {
  const Instant left = until - schedule_.steady();
  if (left <= Instant{0}) {
    if (lost) lost();
    return;
  }
  dialog->to_connector(to).send(
      [this, &to, dialog, what, lost, until, life = life()] {
        if (to.alive()) return what();
        if (this->life() != life) return;
        later(1s, [this, &to, dialog, what, lost, until] { try_to_say(to, dialog, what, lost, until); });
      },
      left, lost);
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
  if (dialog->media_at != dialog->connector) dialog->media_at->look_for_silence(dialog);
}

void Phone::ended() {
  while (!dialogs_.empty()) {
    const DialogPtr last = dialogs_.back();  // over() takes it off the list
    last->unheard = true;
    over(last, "the phone is off");
  }
}

// --- What its user does ---

void Phone::call(Connector& by, const std::string& to, const DialogPtr& replaces) {
  if (!alive()) return;
  auto dialog = std::make_shared<Dialog>(network_, *this, by);
  dialog->by_phone = true;
  dialog->call_id = name() + "-" + std::to_string(life()) + "-" + std::to_string(++calls_);
  add(dialog);
  const std::string sdp = describe(*dialog);
  trace(dialog->call_id + " calls " + to + " by " + by.name());
  const auto lost = [this, dialog, life = life()] {
    if (this->life() == life && dialog->phase == Phase::Trying) over(dialog, "no answer to the INVITE");
  };
  const auto invite = [&by, dialog, to, sdp, replaces] { by.invited(dialog, to, sdp, replaces); };
  for (int copies = random_.one_in(15) ? 2 : 1; copies > 0; --copies) {
    dialog->to_connector(by).send(
        [&by, invite, lost] {
          if (!by.alive()) return lost();
          by.run(invite);
        },
        kTimerB, lost);
  }
  later(kTimerB, [this, dialog] {
    if (dialog->phase == Phase::Trying) over(dialog, "no response");
  });
  later(kTimerB * 3, [this, dialog] {
    if (dialog->phase != Phase::Up) hang_up(dialog);
  });
}

void Phone::hang_up(const DialogPtr& dialog) {
  if (!alive() || dialog->phase == Phase::Over) return;
  if (dialog->phase == Phase::Up) {
    if (!dialog->heard) {
      dialog->wants_out = true;
      return;
    }
    trace(dialog->call_id + " hangs up");
    say(dialog, [dialog, asked = ++dialog->asked](Connector& to) { to.bye(dialog, asked); });
    return over(dialog, "hung up");
  }
  if (!dialog->by_phone) return respond(dialog, 603);
  if (std::exchange(dialog->wants_out, true)) return;
  if (dialog->heard) cancel(dialog);
}

void Phone::cancel(const DialogPtr& dialog) {
  trace(dialog->call_id + " cancels");
  say_to(
      *dialog->connector, dialog, [dialog](Connector& to) { to.cancelled(dialog); },
      [dialog] { dialog->unheard = true; });
  later(kTimerB * 2, [this, dialog] {
    if (dialog->phase == Phase::Over) return;
    dialog->unheard = true;
    over(dialog, "cancelled, and no answer");
  });
}

bool Phone::is_free(const Dialog& dialog) {
  return dialog.phase == Phase::Up && dialog.heard && !dialog.changing;
}

void Phone::hold(const DialogPtr& dialog, bool on) {
  if (!alive() || !is_free(*dialog) || dialog->held == on) return;
  dialog->held = on;
  dialog->changing = true;
  trace(dialog->call_id + (on ? " holds" : " retrieves"));
  say(dialog,
      [dialog, asked = ++dialog->asked, sdp = describe(*dialog)](Connector& to) { to.reinvited(dialog, asked, sdp); });
  later(kTimerB, [this, dialog, on, asked = dialog->asked] {
    if (!dialog->changing || dialog->asked != asked) return;
    dialog->changing = false;
    dialog->held = !on;
  });
}

void Phone::refer(const DialogPtr& dialog, const std::string& to, const DialogPtr& replaces) {
  if (!alive() || !is_free(*dialog)) return;
  trace(dialog->call_id + " refers to " + to + (replaces ? " replacing " + replaces->call_id : ""));
  say(dialog,
      [dialog, asked = ++dialog->asked, to, replaces](Connector& by) { by.referred(dialog, asked, to, replaces); });
}

void Phone::digit(const DialogPtr& dialog, char digit) {
  if (!alive() || !is_free(*dialog)) return;
  say(dialog, [dialog, asked = ++dialog->asked, digit](Connector& to) { to.digit(dialog, asked, digit); });
}

// --- Calls it is offered ---

void Phone::respond(const DialogPtr& dialog, int status, const std::string& sdp) {
  std::vector<std::string> contacts;
  if (status == 302) contacts.push_back("<" + std::string(random_.one_in(2) ? "carol" : "bob") + ">");
  const bool accepts = status >= 200 && status < 300;
  say_to(
      *dialog->connector, dialog,
      [dialog, status, sdp, contacts](Connector& to) { to.responded(dialog, status, sdp, contacts); },
      [this, dialog, accepts] {
        if (accepts) over(dialog, "its answer was never acknowledged");
      });
  if (status >= 300) over(dialog, "refused");
}

void Phone::invited(const DialogPtr& dialog, const std::string& sdp) {
  respond(dialog, 100);
  if (dialog->sequence != 0) return;  // it came twice
  dialog->sequence = 1;
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
  later(kTimerB, [this, dialog] {
    if (!std::exchange(dialog->heard, true)) hang_up(dialog);
  });
}

void Phone::acked(const DialogPtr& dialog) {
  if (std::exchange(dialog->heard, true)) return;
  if (dialog->wants_out) hang_up(dialog);
}

void Phone::talk(const DialogPtr& dialog) {
  if (dialog->phase == Phase::Ringing) answer(dialog);
}

void Phone::cancelled(const DialogPtr& dialog) {
  if (dialog->by_phone || dialog->phase == Phase::Up || dialog->phase == Phase::Over) return;
  respond(dialog, 487);
}

// --- Calls it makes ---

void Phone::responded(const DialogPtr& dialog, Connector& by, int status, const std::string& sdp) {
  if (!dialog->by_phone || dialog->phase == Phase::Over || dialog->phase == Phase::Up) {
    // Nobody is at it any more: the 2xx is acknowledged and the dialog ended.
    if (status >= 200 && status < 300 && dialog->phase == Phase::Over && alive())
      say_to(by, dialog, [dialog, asked = ++dialog->asked](Connector& to) { to.bye(dialog, asked); });
    return;
  }
  if (!std::exchange(dialog->heard, true) && dialog->wants_out && status < 200) cancel(dialog);
  if (status == 100) return;
  if (status >= 300) {
    dialog->unheard = true;  // by any other Connector that has taken the call over
    return over(dialog, "refused");
  }
  if (!sdp.empty()) {
    dialog->remote_port = read_description(sdp).port;
    dialog->media_at = &by;
  }
  if (status < 200) {
    dialog->phase = Phase::Ringing;
    return;
  }
  dialog->phase = Phase::Up;
  dialog->connector = dialog->media_at = &by;
  trace(dialog->call_id + " is up");
  say(dialog, [dialog](Connector& to) { to.acked(dialog); });
  if (dialog->wants_out) return hang_up(dialog);
  look_for_silence(dialog);
}

// --- In the dialog ---

// Who has lost the dialog to another Connector uses sequence numbers that are past.
void Phone::bye(const DialogPtr& dialog, Connector&, std::uint32_t sequence) {
  if (sequence > dialog->sequence || dialog->phase != Phase::Up) over(dialog, "BYE");
}

void Phone::reinvited(const DialogPtr& dialog, Connector& by, std::uint64_t branch, std::uint32_t sequence,
                      const std::string& sdp) {
  if (!dialog->branches.insert(branch).second) return;  // it came twice
  int status = 200;
  std::string body;
  if (dialog->phase != Phase::Up) {
    status = 481;
  } else if (sequence <= dialog->sequence) {
    status = 500;
  } else if (dialog->changing) {
    status = 491;
  } else {
    dialog->remote_port = read_description(sdp).port;
    dialog->connector = dialog->media_at = &by;
    body = describe(*dialog);
    look_for_silence(dialog);
  }
  dialog->sequence = std::max(dialog->sequence, sequence);
  say_to(by, dialog,
         [dialog, sequence, status, body](Connector& to) { to.reinvite_answered(dialog, sequence, status, body); });
}

void Phone::reinvite_answered(const DialogPtr& dialog, Connector& by, std::uint32_t asked, int status,
                              const std::string& sdp) {
  if (!dialog->changing || asked != dialog->asked) return;
  dialog->changing = false;
  if (status == 481) return over(dialog, "481");
  if (status >= 300) {
    dialog->held = !dialog->held;
    return;
  }
  dialog->remote_port = read_description(sdp).port;
  say_to(by, dialog, [dialog](Connector& to) { to.reinvite_acked(dialog); });
}

void Phone::look_for_silence(const DialogPtr& dialog) {
  const auto watch = ++dialog->rtp_watch;
  const auto silent = [this, dialog] {
    const Connector& connector = *dialog->media_at;
    return dialog->phase == Phase::Up && (!connector.has(*dialog) || network_.is_cut(connector.host(), host()));
  };
  if (!silent()) return;
  later(20s + random_.up_to(5s), [this, dialog, watch, silent] {
    if (dialog->rtp_watch != watch || !silent()) return;
    over(dialog, "hears nothing any more");
  });
}

}  // namespace tandem::simulation
