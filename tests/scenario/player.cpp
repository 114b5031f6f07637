// Plays a scenario: each command becomes an input of the machine.
#include <algorithm>
#include <sstream>

#include "render.h"
#include "script.h"
#include "switch_settings.h"
#include "tserver/model/kept.h"
#include "words.h"
#include "world.h"

namespace tandem::tserver::test {
namespace {

class Player {
 public:
  explicit Player(const Scenario& scenario) : settings_(the_switch()), scenario_(scenario) {
    std::vector<std::string> up{"c1"};
    for (const std::string& line : scenario.before) {
      const Words words(line);
      if (words.at(0) == "set") {
        for (const auto& [name, value] : words.pairs) complain(set_option(settings_, name, value));
      } else if (words.at(0) == "dn") {
        complain(set_dn(settings_, words));
      } else if (words.at(0) == "agent") {
        complain(set_agent(settings_, words));
      } else if (words.at(0) == "links") {
        up.assign(words.plain.begin() + 1, words.plain.end());
      } else {
        complain("not understood: " + line);
      }
    }
    for (const LinkSettings& link : settings_.links) links_.push_back(link.name);
    world_ = std::make_unique<World>(settings_);
    for (const std::string& link : up) {
      link::Hello hello;
      hello.set_incarnation(1);
      hello.set_application(link);
      world_->handle(LinkUp{link_no(link), hello, {}});
    }
  }

  Outcome play() {
    Outcome outcome;
    for (const Step& step : scenario_.steps) {
      seen_.clear();
      const std::size_t faults = world_->faults().size();
      play(step);
      for (std::size_t i = faults; i < world_->faults().size(); ++i)
        complain(step.command + ": " + world_->faults()[i]);
      outcome.seen.push_back(seen_);
    }
    const std::size_t faults = world_->faults().size();
    world_->expect_empty();
    for (std::size_t i = faults; i < world_->faults().size(); ++i) complain("at the end: " + world_->faults()[i]);
    outcome.faults = faults_;
    return outcome;
  }

 private:
  void complain(const std::string& what) {
    if (!what.empty()) faults_.push_back(what);
  }

  LinkNo link_no(const std::string& name) const {
    return static_cast<LinkNo>(std::find(links_.begin(), links_.end(), name) - links_.begin());
  }

  void show(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const auto* order = std::get_if<Order>(&effect); order != nullptr && order->command.party() != 0) {
        conversation_of_[order->command.party()] = order->command.conversation();
        commands_[{order->command.party(), order->command.what_case()}].push_back(order->command.id());
      }
    }
    for (std::string& line : render(effects, names_, links_)) seen_.push_back(std::move(line));
  }

  void play(const Step& step) {
    const Words words(step.command);
    const std::string& first = words.at(0);
    if (first == "client" || first == "kept") {
      open_client(words);
    } else if (first == "advance") {
      const std::string amount = words.at(1);
      const bool ms = amount.ends_with("ms");
      const long n = std::stol(amount);
      world_->advance(ms ? Instant(std::chrono::milliseconds(n)) : Instant(std::chrono::seconds(n)),
                      [&](const Effects& effects) { show(effects); });
    } else if (first == "primary") {
      show(world_->handle(RoleChanged{true, std::stoull(words.at(1)), "the arbiter says so"}));
    } else if (first == "backup") {
      show(world_->handle(RoleChanged{false, 0, "the arbiter says so"}));
    } else if (first == "sync") {
      const std::string& how = words.at(1);
      show(world_->handle(PairReport{.sync = how == "off"       ? PairReport::Sync::Off
                                             : how == "joining" ? PairReport::Sync::Joining
                                                                : PairReport::Sync::CaughtUp}));
    } else if (first == "switchover-failed") {
      show(world_->handle(SwitchoverFailed{"the backup is slow"}));
    } else if (first == "joins") {
      world_->begin_backup();
    } else if (first == "takes-over") {
      show(world_->take_over());
    } else if (first == "set" || first == "dn" || first == "agent" || first == "delete") {
      change_settings(words);
    } else if (std::find(links_.begin(), links_.end(), first) != links_.end()) {
      from_link(words, step);
    } else if (clients_.contains(first)) {
      from_client(words);
    } else {
      complain("not understood: " + step.command);
    }
  }

  void change_settings(const Words& words) {
    if (words.at(0) == "set") {
      for (const auto& [name, value] : words.pairs) complain(set_option(settings_, name, value));
    } else if (words.at(0) == "dn") {
      complain(set_dn(settings_, words));
    } else if (words.at(0) == "agent") {
      complain(set_agent(settings_, words));
    } else {
      settings_.dns.erase(Dn(words.at(1)));
    }
    show(world_->handle(SettingsChanged{std::make_shared<const Settings>(settings_)}));
  }

  // Opens a session and registers it; what that answers is checked elsewhere.
  void open_client(const Words& words) {
    const SessionId session{clients_.size() + 1 + (words.at(0) == "kept" ? kFirstKeptSession : 0)};
    clients_[words.at(1)] = session;
    names_.client(session, words.at(1));
    world_->handle(ClientOpened{session, "peer", words.get("certificate")});
    if (words.has("unopened")) return;
    tlib::Message message;
    message.set_type(tlib::RequestRegisterClient);
    message.set_referenceid(1000000);
    message.set_applicationname(words.at(1));
    world_->handle(ClientRequest{session, message});
    for (std::size_t i = 2; i < words.plain.size(); ++i) {
      std::string dn = words.plain[i];
      tlib::Message registration;
      registration.set_type(tlib::RequestRegisterAddress);
      registration.set_referenceid(static_cast<std::int32_t>(1000000 + i));
      if (const auto colon = dn.find(':'); colon != std::string::npos) {
        registration.set_registermode(dn.starts_with("private") ? tlib::RegisterModePrivate
                                                                : tlib::RegisterModeMonitor);
        dn = dn.substr(colon + 1);
      }
      registration.set_thisdn(dn);
      const Effects effects = world_->handle(ClientRequest{session, registration});
      const auto* answer = effects.empty() ? nullptr : std::get_if<Deliver>(&effects.front());
      if (answer == nullptr || answer->event->type() != tlib::EventRegistered)
        complain(words.at(1) + " can't register on " + dn);
    }
  }

  void from_client(const Words& words) {
    const SessionId session = clients_[words.at(0)];
    if (words.at(1) == "closes") {
      show(world_->handle(ClientClosed{session, "gone"}));
      return;
    }
    tlib::Message message;
    tlib::MessageType type{};
    if (!tlib::MessageType_Parse(words.at(1), &type)) complain("no message " + words.at(1));
    message.set_type(type);
    if (words.at(2).starts_with("#")) message.set_referenceid(std::stoi(words.at(2).substr(1)));
    for (const auto& [name, value] : words.pairs) {
      if (const auto why = set_attribute(message, name, value, names_)) complain(*why);
    }
    show(world_->handle(ClientRequest{session, std::move(message)}));
  }

  link::Snapshot snapshot(const Step& step) {
    link::Snapshot all;
    for (const std::string& line : step.snapshot) {
      const Words words(line);
      if (!words.get("aor").empty()) {
        *all.add_registrations() = registration(words);
        continue;
      }
      link::Conversation& conversation = *all.add_conversations();
      conversation.set_conversation(names_.value(words.get("conv")));
      conversation.set_conversation_id(words.get("id"));
      conversation.set_conn_id(names_.value(words.get("conn", "0")));
      conversation.set_call_uuid(words.get("uuid"));
      for (const std::string& text : words.all("party")) {  // number:state:dn[:out]
        std::istringstream in(text);
        std::string no, state, dn, direction;
        std::getline(in, no, ':');
        std::getline(in, state, ':');
        std::getline(in, dn, ':');
        std::getline(in, direction, ':');
        link::Party& party = *conversation.add_parties();
        party.set_party(names_.value(no));
        link::PartyState value{};
        if (!link::PartyState_Parse(state, &value)) complain("no state " + state);
        party.set_state(value);
        party.set_dn(dn);
        party.set_outgoing(direction == "out");
      }
    }
    return all;
  }

  static link::Registration registration(const Words& words) {
    link::Registration made;
    made.set_aor(words.get("aor"));
    for (const std::string& contact : words.all("contact")) made.add_contacts()->set_uri(contact);
    return made;
  }

  void from_link(const Words& words, const Step& step) {
    const LinkNo no = link_no(words.at(0));
    const std::string& what = words.at(1);
    if (what == "down") {
      show(world_->handle(LinkDown{no, "connection closed"}));
    } else if (what == "up") {
      link::Hello hello;
      hello.set_incarnation(std::stoull(words.get("incarnation", "1")));
      hello.set_application(words.at(0));
      show(world_->handle(LinkUp{no, hello, snapshot(step)}));
    } else {
      show(world_->handle(Happened{no, happening(words)}));
    }
  }

  link::Happening happening(const Words& words) {
    const std::string& what = words.at(1);
    link::Happening happening;
    happening.set_party(names_.value(words.get("party", words.at(2))));
    happening.set_conversation(words.get("conv").empty() ? conversation_of_[happening.party()]
                                                         : names_.value(words.get("conv")));
    if (what == "Offered") {
      conversation_of_[happening.party()] = happening.conversation();
      offered(words, *happening.mutable_offered());
      happening.mutable_offered()->set_replaces(names_.value(words.get("replaces", "0")));
    } else if (what == "Alerting") {
      happening.mutable_alerting()->set_talk(words.has("talk"));
    } else if (what == "Answered") {
      happening.mutable_answered()->set_dn(words.get("dn"));
    } else if (what == "Failed") {
      happening.mutable_failed()->set_status(static_cast<std::uint32_t>(std::stoul(words.get("status"))));
      for (const std::string& contact : words.all("contact")) happening.mutable_failed()->add_contacts(contact);
    } else if (what == "Left") {
      link::Left::Cause cause{};
      if (!link::Left::Cause_Parse(words.get("cause", "BYE"), &cause)) complain("no cause " + words.get("cause"));
      happening.mutable_left()->set_cause(cause);
    } else if (what == "Held" || what == "Retrieved") {
      happening.mutable_hold_changed()->set_held(what == "Held");
    } else if (what == "CommandFailed") {
      link::CommandFailed::Code code{};
      if (!link::CommandFailed::Code_Parse(words.get("code"), &code)) complain("no code " + words.get("code"));
      happening.mutable_command_failed()->set_code(code);
      happening.mutable_command_failed()->set_text(words.get("text"));
      happening.mutable_command_failed()->set_missing(names_.value(words.get("missing", "0")));
      for (const auto kind :
           {link::Command::kPlay, link::Command::kSendDigits, link::Command::kPickup, link::Command::kConference}) {
        if (words.has(kind == link::Command::kPlay         ? "Play"
                      : kind == link::Command::kSendDigits ? "SendDigits"
                      : kind == link::Command::kConference ? "Conference"
                                                           : "Pickup")) {
          answer(words, kind, happening);
        }
      }
    } else if (what == "DnStatus") {
      happening.clear_party();
      happening.mutable_dn_status()->set_dn(words.at(2));
      happening.mutable_dn_status()->set_in_service(words.at(3) == "in");
      happening.mutable_dn_status()->set_cause(words.get("cause"));
    } else if (what == "Registration") {
      *happening.mutable_registration() = registration(words);
    } else {
      by_name(words, happening);
    }
    return happening;
  }

  // Any other one by its name in the protocol, with its fields: c1 Played leg1 completion=TIMEOUT digits=12. It answers
  // the last command of its kind for the party, or the one before with "earlier".
  void by_name(const Words& words, link::Happening& happening) {
    const std::string& what = words.at(1);
    const auto* fields = link::Happening::descriptor()->FindOneofByName("what");
    for (int i = 0; i < fields->field_count(); ++i) {
      if (fields->field(i)->message_type()->name() != what) continue;
      auto& body = *happening.GetReflection()->MutableMessage(&happening, fields->field(i));
      for (const auto& [name, value] : words.pairs) {
        if (name != "conv" && name != "party" && !set_field(body, name, value, names_)) {
          complain("no field " + name + " of " + what);
        }
      }
      if (what != "ConferenceChanged") {
        answer(words, what == "DigitsSent" ? link::Command::kSendDigits : link::Command::kPlay, happening);
      } else if (!words.has("unasked")) {
        answer(words, link::Command::kConference, happening);
      }
      return;
    }
    complain("no happening " + what);
  }

  void answer(const Words& words, link::Command::WhatCase kind, link::Happening& happening) {
    const auto& known = commands_[{happening.party(), kind}];
    const std::size_t back = words.has("earlier") ? 2 : 1;
    if (known.size() >= back) happening.set_command(known[known.size() - back]);
  }

  // Callers are those of our phones that proved who they are, unless said otherwise.
  static void offered(const Words& words, link::Offered& offered) {
    offered.set_conversation_id(words.get("id", "conv" + words.get("conv") + "-Genesys"));
    offered.set_from(words.get("from"));
    offered.set_from_display(words.get("display"));
    offered.set_from_authenticated(!words.has("unproven"));
    offered.set_trunk(words.get("trunk"));
    offered.set_conference(words.has("conference"));
    offered.set_to(words.get("to"));
    offered.set_call_id("sip" + words.get("conv"));
  }

  Settings settings_;
  const Scenario& scenario_;
  std::vector<std::string> links_;
  std::unique_ptr<World> world_;
  Names names_;
  std::map<std::string, SessionId> clients_;
  std::map<std::uint64_t, std::uint64_t> conversation_of_;
  std::map<std::pair<std::uint64_t, link::Command::WhatCase>, std::vector<std::uint64_t>> commands_;  // ids, by party
  std::vector<std::string> seen_;
  std::vector<std::string> faults_;
};

}  // namespace

Outcome run(const Scenario& scenario) {
  return Player(scenario).play();
}

}  // namespace tandem::tserver::test
