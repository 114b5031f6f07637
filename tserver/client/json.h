// T-Library messages as JSON and back, by the descriptors of the protocol, so that the two can't drift apart.
//
//     {"event":"EventRinging","ConnID":"0071024a1b2c3d4e","ThisDN":"sip:bob@tandem.test","ThisDNRole":"RoleDestination"}
//
// One object a message. "request" or "event" names it, attributes stand under their own names: ConnIDs as 16
// hexadecimal digits, enumerations by name (a number without a name as a number), KVLists as kv_json.h says, InputMask
// and Capabilities as the list of the messages in them if every bit has a name, else in hexadecimal. 64-bit numbers
// above 2^53 are written as decimal strings. Messages that are neither request nor event stand under "message", by name
// or number.
//
// Reading takes all that writing makes, a number wherever a name may stand, and either form of a mask. An attribute
// that the protocol does not have is an error. Events with an ErrorCode may have "ErrorName" besides, for people.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "proto/tlib.pb.h"
#include "tserver/client/json_text.h"

namespace tandem::client {

enum class ErrorNames { Omit, Add };

boost::json::object to_json(const tlib::Message& message, ErrorNames names = ErrorNames::Omit);
// The same as text on one line, without its end.
std::string to_json_line(const tlib::Message& message, ErrorNames names = ErrorNames::Omit);

// A failure says which attribute is wrong and what was expected.
Result<tlib::Message, Failure> from_json(const boost::json::object& object);
Result<tlib::Message, Failure> from_json_line(std::string_view text, const JsonLimits& limits = {});

}  // namespace tandem::client
