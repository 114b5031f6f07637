// The client's side of a session that outlives its connection: the pure part.
#include "tserver/client/continuity.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::client;
using Event = Continuity::Event;

namespace {

tlib::Message event(std::uint64_t number, std::int32_t reference = 0) {
  tlib::Message message;
  message.set_type(tlib::EventACK);
  message.set_streamnumber(number);
  if (reference != 0) message.set_referenceid(reference);
  return message;
}

tlib::Message request(std::int32_t reference) {
  tlib::Message message;
  message.set_type(tlib::RequestQueryServer);
  message.set_referenceid(reference);
  return message;
}

std::string waiting(Continuity& continuity) {
  std::string all;
  for (const tlib::Message* one : continuity.unanswered()) all += std::to_string(one->requestid()) + " ";
  return all;
}

}  // namespace

TEST_CASE("each event is taken once and in order") {
  Continuity continuity("token");
  CHECK(continuity.take(event(1)) == Event::New);
  CHECK(continuity.take(event(2)) == Event::New);
  CHECK(continuity.take(event(1)) == Event::Repeated);
  CHECK(continuity.take(event(2)) == Event::Repeated);
  CHECK(continuity.take(event(4)) == Event::Missing);
  CHECK(continuity.take(event(3)) == Event::New);
  CHECK(continuity.last_seen() == 3);
  CHECK(continuity.unconfirmed() == 3);
  CHECK(continuity.confirm() == 3);
  CHECK(continuity.unconfirmed() == 0);
}

TEST_CASE("a new connection asks for what comes after the last event, and later than all before") {
  Continuity continuity("token");
  tlib::Message first, second;
  continuity.ask(first);
  CHECK(first.sessiontoken() == "token");
  CHECK(first.sessionattempt() == 1);
  CHECK_FALSE(first.has_streamnumber());
  CHECK_FALSE(first.has_sessionid());
  tlib::Message opened = event(1);
  opened.set_sessiontoken("token");
  opened.set_sessionid(77);
  continuity.take(opened);
  continuity.ask(second);
  CHECK(second.sessionattempt() == 2);
  CHECK(second.streamnumber() == 1);
  CHECK(second.sessionid() == 77);
  Continuity next = continuity.anew();
  tlib::Message third;
  next.ask(third);
  CHECK(third.sessionattempt() == 3);
  CHECK_FALSE(third.has_streamnumber());
  CHECK_FALSE(third.has_sessionid());
}

TEST_CASE("a request is held until its first answer, whatever happens meanwhile") {
  Continuity continuity("token");
  tlib::Message one = request(10), two = request(20), three = request(10);
  continuity.add(one);
  continuity.take(event(1));
  continuity.add(two);
  continuity.add(three);  // a ReferenceID of the application's own, again
  CHECK(one.requestid() == 1);
  CHECK(two.streamnumber() == 1);
  CHECK(waiting(continuity) == "1 2 3 ");
  continuity.take(event(2, 20));
  continuity.take(event(2, 10));  // repeated: answers nothing
  CHECK(waiting(continuity) == "1 3 ");
  continuity.take(event(3, 10));
  CHECK(waiting(continuity) == "3 ");
  CHECK(continuity.unanswered().front()->streamnumber() == 3);
  continuity.take(event(4, 10));
  CHECK(continuity.waiting() == 0);
  continuity.take(event(5, 10));
}
