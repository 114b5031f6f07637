// Names of T-Library messages, attributes and values, looked up in the descriptors of the protocol.
#pragma once

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/tlib.pb.h"

namespace tandem::client {

// "EventRinging", or nothing for a number without a name.
std::optional<std::string_view> message_name(int type);
std::optional<tlib::MessageType> message_type(std::string_view name);
bool is_request(tlib::MessageType type);
bool is_event(tlib::MessageType type);

// "TERR_INV_CALL_DN", or nothing for a code without a name.
std::optional<std::string_view> error_name(int code);

// The candidate that takes the fewest changes to become `word`, case aside; empty if there is none.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);
std::vector<std::string_view> value_names(const google::protobuf::EnumDescriptor& type);
std::vector<std::string_view> attribute_names();

}  // namespace tandem::client
