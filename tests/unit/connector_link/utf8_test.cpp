#include "connector/link/utf8.h"

#include <catch2/catch.hpp>
#include <string>

#include "proto/link.pb.h"

using namespace tandem;
using namespace tandem::connector;

TEST_CASE("What is UTF-8 and what isn't") {
  for (const std::string good :
       {"", "plain", "M\xc3\xbcller", "\xe2\x82\xac", "\xf0\x9f\x93\x9e", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
  }
  for (const std::string bad : {"\xfe", "M\xfcller", "\xc3", "\xc0\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("Every string of a happening can be read by the other side") {
  link::Happening happening;
  auto* offered = happening.mutable_offered();
  offered->set_from("sip:alice@tandem.test");
  offered->set_from_display("M\xfcller \xc3\xbc");
  offered->set_call_id("a\xfe\xff z");
  auto* header = offered->add_headers();
  header->set_name("Subject");
  header->set_value("\xc3");
  make_utf8(happening);
  CHECK(offered->from() == "sip:alice@tandem.test");
  CHECK(offered->from_display() == "M?ller \xc3\xbc");
  CHECK(offered->call_id() == "a?? z");
  CHECK(header->value() == "?");
  link::Happening read;
  CHECK(read.ParseFromString(happening.SerializeAsString()));

  link::Happening failed;
  failed.mutable_failed()->add_contacts("sip:\xff@x");
  failed.mutable_failed()->add_contacts("sip:a@x");
  make_utf8(failed);
  CHECK(failed.failed().contacts(0) == "sip:?@x");
  CHECK(failed.failed().contacts(1) == "sip:a@x");
}
