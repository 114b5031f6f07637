#include "connector/frontend/address.h"

#include <catch2/catch.hpp>

using namespace tandem::connector;

TEST_CASE("SIP and tel URIs are taken apart") {
  struct Case {
    const char* text;
    Uri uri;
  };
  const Case cases[] = {
      {"sip:bob@tandem.test", {"sip", "bob", "tandem.test", 0, ""}},
      {"SIP:Bob:pw@Tandem.Test:5070;transport=TCP;lr?Subject=x%40y", {"sip", "Bob", "tandem.test", 5070, "tcp"}},
      {"sips:bob@[2001:DB8::1]:5061", {"sips", "bob", "2001:db8::1", 5061, ""}},
      {"sip:+1%34155;phone-context=x@gw", {"sip", "+14155", "gw", 0, ""}},
      {"sip:tandem.test", {"sip", "", "tandem.test", 0, ""}},
      {"tel:+1-415-555;ext=1", {"tel", "+1-415-555", "", 0, ""}},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const auto uri = parse_uri(c.text);
    REQUIRE(uri);
    CHECK(uri->scheme == c.uri.scheme);
    CHECK(uri->user == c.uri.user);
    CHECK(uri->host == c.uri.host);
    CHECK(uri->port == c.uri.port);
    CHECK(uri->transport == c.uri.transport);
  }
}

TEST_CASE("What is no URI of ours is refused") {
  for (const char* text :
       {"", "bob", "http://x", "sip:", "sip:@host", "sip:bob@", "sip:bob@host:99999", "sip:bob@host:5x", "sip:bob@[::1",
        "sip:b ob@host", "tel:", "sip:bob@host\r\nX: y", "sip:b\xfe@host", "sip:b\xc3\xb6@host"}) {
    INFO(text);
    CHECK_FALSE(parse_uri(text));
  }
  CHECK_FALSE(parse_uri("sip:" + std::string(2000, 'a') + "@host"));
}

TEST_CASE("Telephone numbers lose their separators") {
  CHECK(telephone_number("+1 415") == "");
  CHECK(telephone_number("+1-(415).555") == "+1415555");
  CHECK(telephone_number("4155") == "4155");
  CHECK(telephone_number("7") == "");
  CHECK(telephone_number("41+55") == "");
  CHECK(telephone_number("agent7") == "");
  CHECK(telephone_number(std::string(40, '1')) == "");
}

TEST_CASE("Addresses that mean nothing outside their network") {
  for (const char* ip : {"10.1.2.3", "127.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.7.7", "169.254.1.1",
                         "100.64.0.1", "0.0.0.0", "::1", "::", "fd00::1", "fe80::1"}) {
    INFO(ip);
    CHECK(is_unroutable(ip));
  }
  for (const char* ip : {"192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "example.com"}) {
    INFO(ip);
    CHECK_FALSE(is_unroutable(ip));
  }
}

TEST_CASE("IPv6 sources count by their /64") {
  CHECK(source_key("2001:db8:1:2::3") == source_key("2001:db8:1:2:ffff::4"));
  CHECK(source_key("2001:db8:1:2::3") != source_key("2001:db8:1:3::3"));
  CHECK(source_key("192.0.2.1") != source_key("192.0.2.2"));
}
