#include "connector/link/utf8.h"

#include <catch2/catch.hpp>
#include <string>

#include "proto/link.pb.h"

using namespace tandem;
using namespace tandem::connector;

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
