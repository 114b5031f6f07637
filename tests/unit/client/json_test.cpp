#include "tserver/client/json.h"

#include <google/protobuf/descriptor.h>

#include <catch2/catch.hpp>
#include <string>

#include "messages.h"

using namespace tandem;
using namespace tandem::client;
using namespace tandem::client::test;
using tlib::Message;

namespace {

Message read(std::string_view text) {
  auto message = from_json_line(text);
  INFO(text << ": " << (message ? std::string() : message.error().text));
  REQUIRE(message.has_value());
  return *message;
}

std::string refused(std::string_view text) {
  const auto message = from_json_line(text);
  INFO(text);
  REQUIRE(!message);
  return message.error().text;
}

}  // namespace

TEST_CASE("A request is read with its attributes, an event is written with them", "[json]") {
  const Message request = read(
      R"({"request":"RequestMakeCall","ThisDN":"sip:alice@tandem.test","OtherDN":"sip:bob@tandem.test","UserData":{"case":"42"}})");
  Message expected;
  expected.set_type(tlib::RequestMakeCall);
  expected.set_thisdn("sip:alice@tandem.test");
  expected.set_otherdn("sip:bob@tandem.test");
  *expected.mutable_userdata()->add_pairs() = pair("case", "42");
  CHECK(same(request, expected));

  Message event;
  event.set_type(tlib::EventDialing);
  event.set_referenceid(7);
  event.set_connid(0x0071024a1b2c3d4e);
  event.set_thisdn("sip:alice@tandem.test");
  event.set_thisdnrole(tlib::RoleOrigination);
  event.set_callstate(tlib::CallStateOk);
  event.set_streamnumber(3);
  CHECK(to_json_line(event) ==
        R"({"event":"EventDialing","ReferenceID":7,"ConnID":"0071024a1b2c3d4e","CallState":"CallStateOk",)"
        R"("ThisDN":"sip:alice@tandem.test","ThisDNRole":"RoleOrigination","StreamNumber":3})");
}

TEST_CASE("Every message type and every attribute goes to JSON and back unchanged", "[json]") {
  const auto& types = *tlib::MessageType_descriptor();
  const auto& fields = *Message::descriptor();
  Message all;
  for (int f = 0; f < fields.field_count(); ++f) fill(all, *fields.field(f));
  for (int i = 0; i < types.value_count(); ++i) {
    all.set_type(static_cast<tlib::MessageType>(types.value(i)->number()));
    const std::string line = to_json_line(all);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find("\"" + types.value(i)->name() + "\"") != std::string::npos);
    CHECK(same(read(line), all));
  }
  for (int f = 0; f < fields.field_count(); ++f) {
    if (fields.field(f)->name() == "Type") continue;
    Message one;
    one.set_type(tlib::EventRinging);
    fill(one, *fields.field(f));
    const std::string line = to_json_line(one);
    CHECK(line.find("\"" + fields.field(f)->name() + "\":") != std::string::npos);
    CHECK(same(read(line), one));
  }
}

TEST_CASE("Values that JSON has no type for", "[json]") {
  Message message;
  message.set_type(tlib::EventServerInfo);
  SECTION("64-bit numbers beyond what a double holds are decimal strings") {
    message.set_sessionid((1ULL << 53) - 1);
    CHECK(to_json_line(message) == R"({"event":"EventServerInfo","SessionID":9007199254740991})");
    message.set_sessionid(1ULL << 53);
    CHECK(to_json_line(message) == R"({"event":"EventServerInfo","SessionID":"9007199254740992"})");
    CHECK(same(read(to_json_line(message)), message));
  }
  SECTION("enumeration numbers without a name stay numbers") {
    message.set_calltype(static_cast<tlib::TCallType>(77));
    CHECK(to_json_line(message) == R"({"event":"EventServerInfo","CallType":77})");
    CHECK(same(read(to_json_line(message)), message));
    CHECK(read(R"({"event":"EventServerInfo","CallType":2})").calltype() == tlib::CallTypeInbound);
  }
  SECTION("a message type without a name") {
    message.set_type(static_cast<tlib::MessageType>(4711));
    CHECK(to_json_line(message) == R"({"message":4711})");
    CHECK(same(read(to_json_line(message)), message));
  }
  SECTION("a mask is a list of messages if all its bits have names, else hexadecimal (LTB: input masks of 64 bytes)") {
    std::string mask(64, '\0');
    mask[60 / 8] = static_cast<char>(1 << 60 % 8);
    mask[3 / 8] = static_cast<char>(1 << 3 % 8);
    message.set_capabilities(mask);
    CHECK(to_json_line(message) ==
          R"({"event":"EventServerInfo","Capabilities":["RequestRegisterAddress","EventRinging"]})");
    CHECK(same(read(to_json_line(message)), message));
    mask[63] = '\x80';
    message.set_capabilities(mask);
    CHECK(to_json_line(message).find(R"("Capabilities":"08)") != std::string::npos);
    CHECK(same(read(to_json_line(message)), message));
    CHECK(read(R"({"request":"RequestSetInputMask","InputMask":["EventRinging",511]})").inputmask() ==
          std::string(7, '\0') + '\x10' + std::string(55, '\0') + '\x80');
    CHECK(read(R"({"request":"RequestSetInputMask","InputMask":"0aFF"})").inputmask() == "\x0a\xff");
  }
  SECTION("an error code may be a name, and its name may stand besides") {
    message.set_type(tlib::EventError);
    message.set_errorcode(61);
    CHECK(to_json_line(message) == R"({"event":"EventError","ErrorCode":61})");
    CHECK(to_json_line(message, ErrorNames::Add) ==
          R"({"event":"EventError","ErrorCode":61,"ErrorName":"TERR_INV_CALL_DN"})");
    CHECK(same(read(to_json_line(message, ErrorNames::Add)), message));
    CHECK(same(read(R"({"event":"EventError","ErrorCode":"TERR_INV_CALL_DN"})"), message));
    CHECK(same(read(R"({"event":"EventError","ErrorName":"TERR_INV_CALL_DN"})"), message));
    CHECK(refused(R"({"event":"EventError","ErrorName":"TERR_INV_CALL_DN","ErrorCode":62})") ==
          "ErrorName: expected the name of ErrorCode 62");
    message.set_errorcode(99999);
    CHECK(to_json_line(message, ErrorNames::Add) == R"({"event":"EventError","ErrorCode":99999})");
  }
  SECTION("bytes that are not UTF-8 do not spoil the line") {
    message.set_errormessage("a\xff z");
    CHECK(to_json_line(message) == "{\"event\":\"EventServerInfo\",\"ErrorMessage\":\"a\xef\xbf\xbd z\"}");
  }
}

TEST_CASE("What is wrong with a message is said by name", "[json]") {
  CHECK(refused("") == "not JSON: incomplete JSON at column 1");
  CHECK(refused(R"({"request":"RequestMakeCall")").starts_with("not JSON: incomplete JSON at column"));
  CHECK(refused(R"({"request":"RequestMakeCall"} x)") == "not JSON: extra data at column 31");
  CHECK(refused("[]") == "expected an object, not an array");
  CHECK(refused("{}") == R"(expected "request" or "event" with the name of a message)");
  CHECK(refused(R"({"ThisDN":"a"})") == R"(expected "request" or "event" with the name of a message)");
  CHECK(refused(R"({"request":"RequestMakeCal"})") ==
        R"(request: there is no "RequestMakeCal" in MessageType, the nearest is RequestMakeCall)");
  CHECK(refused(R"({"request":"EventRinging"})") == R"(EventRinging is an event: it stands under "event")");
  CHECK(refused(R"({"event":"RequestMakeCall"})") == R"(RequestMakeCall is a request: it stands under "request")");
  CHECK(refused(R"({"event":"AddpPoll"})") == R"(AddpPoll is neither request nor event: it stands under "message")");
  CHECK(refused(R"({"event":"EventRinging","request":"RequestMakeCall"})") ==
        R"(expected one of "request", "event" and "message", not two)");
  CHECK(refused(R"({"request":"RequestMakeCall","thisdn":"a"})") ==
        R"(there is no attribute "thisdn", the nearest is ThisDN)");
  CHECK(refused(R"({"request":"RequestMakeCall","Type":14})").starts_with(R"(there is no attribute "Type")"));
  CHECK(refused(R"({"request":"RequestMakeCall","ThisDN":5})") == "ThisDN: expected a string, not a number");
  CHECK(refused(R"({"request":"RequestMakeCall","ThisDN":"a","ThisDN":"b"})") == R"("ThisDN" is given twice)");
  CHECK(refused(R"({"request":"RequestReleaseCall","ConnID":12})") ==
        "ConnID: expected a string of 16 hexadecimal digits, not a number");
  CHECK(refused(R"({"request":"RequestReleaseCall","ConnID":"12"})") ==
        R"(ConnID: expected 16 hexadecimal digits, not "12")");
  CHECK(refused(R"({"request":"RequestReleaseCall","ConnID":"0071024a1b2c3d4g"})") ==
        R"(ConnID: expected 16 hexadecimal digits, not "0071024a1b2c3d4g")");
  CHECK(refused(R"({"request":"RequestMakeCall","ReferenceID":2147483648})") ==
        "ReferenceID: expected a whole number of 32 bits, not a number");
  CHECK(refused(R"({"request":"RequestMakeCall","ReferenceID":1.5})") ==
        "ReferenceID: expected a whole number of 32 bits, not a number with a fraction");
  CHECK(refused(R"({"request":"RequestMakeCall","RequestID":-1})") ==
        "RequestID: expected a whole number of 64 bits, from 0");
  CHECK(refused(R"({"request":"RequestMakeCall","RequestID":"18446744073709551616"})") ==
        "RequestID: expected a whole number of 64 bits, from 0");
  CHECK(refused(R"({"request":"RequestMakeCall","MakeCallType":"MakeCallregular"})") ==
        R"(MakeCallType: there is no "MakeCallregular" in TMakeCallType, the nearest is MakeCallRegular)");
  CHECK(refused(R"({"request":"RequestMakeCall","MakeCallType":true})") ==
        "MakeCallType: expected a name of TMakeCallType or its number, not true or false");
  CHECK(refused(R"({"request":"RequestMakeCall","UserData":"x"})") == "UserData: expected an object, not a string");
  CHECK(refused(R"({"request":"RequestSetInputMask","InputMask":"abc"})") ==
        "InputMask: expected at most 128 hexadecimal digits, two a byte");
  CHECK(refused(R"({"request":"RequestSetInputMask","InputMask":[512]})") ==
        "InputMask: expected messages numbered 0 to 511, not 512");
}

TEST_CASE("Limits of size and depth hold before anything is built", "[json]") {
  CHECK(refused(std::string(300 * 1024, ' ')) == "longer than 262144 bytes");
  CHECK(refused(std::string(100000, '[')) == "nested deeper than 24");
  std::string nested = R"({"request":"RequestMakeCall","UserData":)";
  for (int i = 0; i < 23; ++i) nested += R"({"a":)";
  nested += "1" + std::string(24, '}');
  const Message deepest = read(nested);
  Message received;
  REQUIRE(received.ParseFromString(deepest.SerializeAsString()));  // what JSON may hold, the wire may too
  CHECK(same(received, deepest));
}
