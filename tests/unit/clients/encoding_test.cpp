#include "tserver/clients/encoding.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tserver/clients/intake.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

tlib::Message ringing() {
  tlib::Message event;
  event.set_type(tlib::EventRinging);
  event.set_connid(0x0071024a1b2c3d4e);
  event.set_thisdn("sip:bob@tandem.test");
  event.set_otherdn("sip:alice@tandem.test");
  return event;
}

std::string frame_of(const tlib::Message& message) {
  return message.SerializeAsString();
}

}  // namespace

TEST_CASE("the fields of one client in front of the body make the whole event") {
  const auto stream = GENERATE(std::uint64_t{1}, 127, 128, 300, std::numeric_limits<std::uint64_t>::max());
  const auto reference =
      GENERATE(1, 7, 200, std::numeric_limits<std::int32_t>::max(), -1, std::numeric_limits<std::int32_t>::min(), 0);
  const std::string bytes = std::string(ClientFields(stream, reference).bytes()) + ringing().SerializeAsString();
  tlib::Message expected = ringing();
  expected.set_streamnumber(stream);
  if (reference != 0) expected.set_referenceid(reference);
  tlib::Message decoded;
  REQUIRE(decoded.ParseFromString(bytes));
  CHECK(decoded.SerializeAsString() == expected.SerializeAsString());
  CHECK(decoded.has_referenceid() == (reference != 0));
}

TEST_CASE("a request is taken in as it is") {
  tlib::Message request;
  request.set_type(tlib::RequestRouteCall);
  request.set_referenceid(9);
  request.set_thisdn("sip:support@tandem.test");
  auto taken = take_in(frame_of(request));
  REQUIRE(std::holds_alternative<tlib::Message>(taken));
  CHECK(std::get<tlib::Message>(taken).SerializeAsString() == request.SerializeAsString());
}

TEST_CASE("a type that isn't known goes to the model, unknown fields are ignored") {
  tlib::Message request;
  request.set_type(static_cast<tlib::MessageType>(4711));
  const std::string unknown_field("\xba\x3e\x01x", 4);  // field 999, one byte
  auto taken = take_in(frame_of(request) + unknown_field);
  REQUIRE(std::holds_alternative<tlib::Message>(taken));
  CHECK(std::get<tlib::Message>(taken).type() == 4711);
}

TEST_CASE("heartbeats") {
  auto poll = take_in(frame_of(addp_message(tlib::AddpPoll, 42)));
  REQUIRE(std::holds_alternative<Poll>(poll));
  CHECK(std::get<Poll>(poll).stamp == 42);
  CHECK(std::holds_alternative<Alive>(take_in(frame_of(addp_message(tlib::AddpAnswer, 42)))));
}

TEST_CASE("what is no message is refused, with an answer if it can be addressed") {
  struct Case {
    std::string name;
    std::string frame;
    tlib::TErrorCode code;  // TERR_NONE: hopeless
    std::string why;
  };
  const std::string reference("\x18\x07", 2);             // ReferenceID 7
  const std::string cut("\xaa\x01\x7fsip:", 7);           // ThisDN of 127 bytes, 4 there
  const std::string bad_text("\xaa\x01\x02\xc3\x28", 5);  // ThisDN that isn't UTF-8
  const Case cases[] = {
      {"empty", "", tlib::TERR_NONE, "the message has no Type"},
      {"without Type, with ReferenceID", reference, tlib::TERR_UNSUP_OPER, "the message has no Type"},
      {"noise", "\xff\xff\xff\xff\xff", tlib::TERR_NONE, "the message can't be decoded"},
      {"cut", cut, tlib::TERR_NONE, "the message can't be decoded"},
      {"cut behind its ReferenceID", reference + cut, tlib::TERR_INVALID_ATTR, "the message can't be decoded"},
      {"text that isn't UTF-8", reference + bad_text, tlib::TERR_INVALID_ATTR, "the message can't be decoded"},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    auto taken = take_in(one.frame);
    if (one.code == tlib::TERR_NONE) {
      REQUIRE(std::holds_alternative<Hopeless>(taken));
      CHECK(std::get<Hopeless>(taken).why == one.why);
      continue;
    }
    REQUIRE(std::holds_alternative<Answerable>(taken));
    tlib::Message expected;
    expected.set_type(tlib::EventError);
    expected.set_referenceid(7);
    expected.set_errorcode(one.code);
    expected.set_errormessage(one.why);
    CHECK(std::get<Answerable>(taken).error.SerializeAsString() == expected.SerializeAsString());
  }
}

TEST_CASE("lists in lists in lists end somewhere") {
  tlib::Message request;
  request.set_type(tlib::RequestAttachUserData);
  tlib::KVList* list = request.mutable_userdata();
  for (int depth = 0; depth < 5000; ++depth) list = list->add_pairs()->mutable_list();
  CHECK(std::holds_alternative<Hopeless>(take_in(frame_of(request))));
}
