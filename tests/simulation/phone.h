// A phone, or the world behind a trunk: takes calls, makes them, and is as unreliable as phones are. It knows its own
// dialogs only.
#pragma once

#include <set>
#include <vector>

#include "connector.h"
#include "dialog.h"
#include "network.h"

namespace tandem::simulation {

// What a session description says, as far as a phone looks at it.
struct Described {
  std::uint16_t port = 0;
  bool held = false;
};
Described read_description(const std::string& sdp);

class Phone final : public Process {
 public:
  Phone(Network& network, std::string dn, std::uint64_t seed, bool outside)
      : Process(network, dn), random_(seed), outside_(outside) {
    if (random_.one_in(2)) way_ = Pipe::Kind::Datagrams;
  }

  const std::string& dn() const { return name(); }
  bool outside() const { return outside_; }
  Pipe::Kind way() const { return way_; }

  // --- What its user does ---
  void call(Connector& by, const std::string& to, const DialogPtr& replaces = nullptr);
  void hang_up(const DialogPtr& dialog);
  void hold(const DialogPtr& dialog, bool on);
  void refer(const DialogPtr& dialog, const std::string& to, const DialogPtr& replaces);
  void digit(const DialogPtr& dialog, char digit);
  void behave(bool well) { well_ = well; }  // answers all calls soon

  // --- What a Connector says, as it arrives ---
  void invited(const DialogPtr& dialog, const std::string& sdp);
  void cancelled(const DialogPtr& dialog);
  void acked(const DialogPtr& dialog);
  void responded(const DialogPtr& dialog, Connector& by, int status, const std::string& sdp);
  void bye(const DialogPtr& dialog, Connector& by, std::uint32_t sequence);
  void reinvited(const DialogPtr& dialog, Connector& by, std::uint64_t branch, std::uint32_t sequence,
                 const std::string& sdp);
  void reinvite_answered(const DialogPtr& dialog, Connector& by, std::uint32_t asked, int status,
                         const std::string& sdp);
  void talk(const DialogPtr& dialog);
  // It sends no media any more, or none arrives: after a while the phone hangs up.
  void look_for_silence(const DialogPtr& dialog);
  void gone(const DialogPtr& dialog);  // 481

  std::vector<DialogPtr> dialogs() const { return dialogs_; }  // those that aren't over

 private:
  void started() override {}
  void ended() override;
  void over(const DialogPtr& dialog, const char* why);
  void answer(const DialogPtr& dialog);
  void cancel(const DialogPtr& dialog);
  static bool is_free(const Dialog& dialog);  // for requests of the phone's
  void respond(const DialogPtr& dialog, int status, const std::string& sdp = {});
  std::string describe(Dialog& dialog);
  DialogPtr add(DialogPtr dialog);
  // To whoever has the dialog now, or to `to`; again and again until it arrives there. Some come twice.
  template <class What>
  void say(const DialogPtr& dialog, What what);
  template <class What>
  void say_to(Connector& to, const DialogPtr& dialog, What what, Action lost = {});
  void try_to_say(Connector& to, const DialogPtr& dialog, std::function<void()> what, Action lost, Instant until);

  Random random_;
  const bool outside_;
  Pipe::Kind way_ = Pipe::Kind::Ordered;
  bool well_ = false;
  std::vector<DialogPtr> dialogs_;
  std::uint16_t ports_ = 4000;
  std::uint64_t calls_ = 0;
};

}  // namespace tandem::simulation
