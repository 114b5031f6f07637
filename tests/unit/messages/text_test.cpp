#include <catch2/catch.hpp>

#include "common/messages/link_text.h"
#include "common/messages/tlib_text.h"

using namespace tandem;

namespace {

void add(tlib::KVList& list, const char* key, const char* value) {
  tlib::KVPair& pair = *list.add_pairs();
  pair.set_key(key);
  pair.set_str(value);
}

link::Happening offered() {
  link::Happening happening;
  happening.set_conversation(1);
  happening.set_party(2);
  happening.mutable_offered()->set_from("sip:user1@domain.com");
  happening.mutable_offered()->set_to("sip:user21@domain.com");
  return happening;
}

}  // namespace

TEST_CASE("MMC-279 a link message: name, star and version, then headers") {
  CHECK(link_text(offered(), HiddenHeaders(true, {})) ==
        "OFFERED * MLTP/1.0; conversation: 0000000000000001; party: 0000000000000002; from: sip:user1@domain.com; "
        "to: sip:user21@domain.com");
  link::Command command;
  command.set_id(7);
  command.mutable_admit()->set_mode(link::Admit::ANSWER);
  CHECK(link_text(command, HiddenHeaders(true, {})) == "ADMIT * MLTP/1.0; command: 7; mode: ANSWER");
  command.Clear();
  CHECK(link_text(command, HiddenHeaders(true, {})) == "NOTHING * MLTP/1.0");
}

TEST_CASE("MMC-278 headers that hide-header names are hidden, in any case") {
  CHECK(link_text(offered(), HiddenHeaders(false, {"From", "to", "party"})) ==
        "OFFERED * MLTP/1.0; conversation: 0000000000000001; party: **** (length:16); from: **** (length:20); "
        "to: **** (length:21)");
}

TEST_CASE("MMC-277 MMC-280 digits and treatments of link messages are hidden") {
  link::Happening played;
  played.mutable_played()->set_digits("4711");
  played.mutable_played()->set_last_digit("1");
  CHECK(link_text(played, HiddenHeaders(true, {})) ==
        "PLAYED * MLTP/1.0; data: **** (length:4); data: **** (length:1)");
  CHECK(link_text(played, HiddenHeaders(false, {})) == "PLAYED * MLTP/1.0; data: 4711; data: 1");

  link::Command play;
  play.mutable_play()->set_source(link::Play::PROMPTS);
  play.mutable_play()->add_prompts()->set_text("your balance is 5");
  play.mutable_play()->mutable_collect()->set_verify("4711");
  const std::string shown = link_text(play, HiddenHeaders(true, {}));
  CHECK(shown.find("balance") == std::string::npos);
  CHECK(shown.find("4711") == std::string::npos);
  CHECK(shown.starts_with("PLAY * MLTP/1.0; source: PROMPTS; treatment-params: **** (length:"));
  CHECK(link_text(play, HiddenHeaders(false, {})).find("balance") != std::string::npos);

  link::Command digits;
  digits.mutable_send_digits()->set_digits("99");
  CHECK(link_text(digits, HiddenHeaders(true, {})) == "SEND_DIGITS * MLTP/1.0; data: **** (length:2)");
}

TEST_CASE("MMC-276 MMC-280 digits, treatment parameters and user data of T-Library messages are hidden") {
  tlib::Message end;
  end.set_type(tlib::EventTreatmentEnd);
  end.set_connid(0x71);
  end.set_thisdn("support");
  end.set_collecteddigits("4711");
  end.set_lastcollecteddigit("1");
  add(*end.mutable_userdata(), "case", "secret");
  add(*end.mutable_extensions(), "COMPLETION_STATUS", "NORMAL");
  CHECK(tlib_text(end, true) ==
        "EventTreatmentEnd ConnID=0000000000000071 ThisDN='support' CollectedDigits=**** (length:4) "
        "LastCollectedDigit=**** (length:1) UserData={case=**** (length:6)} Extensions={COMPLETION_STATUS='NORMAL'}");
  CHECK(tlib_text(end, false) ==
        "EventTreatmentEnd ConnID=0000000000000071 ThisDN='support' CollectedDigits='4711' LastCollectedDigit='1' "
        "UserData={case='secret'} Extensions={COMPLETION_STATUS='NORMAL'}");

  tlib::Message apply;
  apply.set_type(tlib::RequestApplyTreatment);
  apply.set_treatmenttype(tlib::TreatmentMusic);
  add(*apply.mutable_treatmentparms(), "MUSIC_DN", "waltz");
  CHECK(tlib_text(apply, true) == "RequestApplyTreatment TreatmentType=TreatmentMusic TreatmentParms=**** (length:18)");

  tlib::Message dtmf;
  dtmf.set_type(tlib::RequestSendDTMF);
  dtmf.set_dtmfdigits("12");
  CHECK(tlib_text(dtmf, true) == "RequestSendDTMF DTMFDigits=**** (length:2)");
}

TEST_CASE("passwords are never shown") {
  tlib::Message login;
  login.set_type(tlib::RequestAgentLogin);
  login.set_password("open sesame");
  CHECK(tlib_text(login, false) == "RequestAgentLogin Password=**** (length:11)");
}
