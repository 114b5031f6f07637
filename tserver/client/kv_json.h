// KVLists as JSON objects.
//
// Each key is a member: a text as a string, an integer as a number, a nested list as an object. Values that have no
// JSON type of their own are objects with one reserved member: {"bin": base64}, {"unicode": text}, and a string whose
// bytes are not UTF-8 is {"bin": base64, "type": "string"}. A key that repeats is written "key[]" with the array of its
// values; so is a key that itself ends with "[]", and a key "bin" or "unicode" inside a nested list. Members come in
// the order in which the keys first appear; how repeated keys interleave with others is not kept.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "common/base/result.h"
#include "proto/tlib.pb.h"

namespace tandem::client {

boost::json::object kv_to_json(const tlib::KVList& list);
// `path` names the list in failures.
Result<tlib::KVList, Failure> kv_from_json(const boost::json::object& object, const std::string& path);

}  // namespace tandem::client
