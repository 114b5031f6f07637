// Text from SIP may hold any byte; a string of the CTI link is UTF-8, or the whole message can't be read by the other
// side.
#pragma once

#include <google/protobuf/message.h>

namespace tandem::connector {

// Replaces each byte that is no part of UTF-8 by '?', in every string of the message and of those inside it.
void make_utf8(google::protobuf::Message& message);

}  // namespace tandem::connector
