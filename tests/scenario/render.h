// Effects as lines of a transcript, and the names of ids in it.
#pragma once

#include <google/protobuf/message.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tserver/model/machine.h"

namespace tandem::tserver::test {

class Names {
 public:
  // ids as they are shown
  std::string call(std::uint64_t conn_id) { return show(calls_, conn_id, "call"); }
  std::string party(std::uint64_t no) { return (no >> 63) != 0 ? show(parties_, no, "leg") : std::to_string(no); }
  std::string conversation(std::uint64_t no) {
    return (no >> 63) != 0 ? show(conversations_, no, "talk") : std::to_string(no);
  }
  // and read back; a number stands for itself
  std::uint64_t value(const std::string& name) const;
  void client(SessionId session, std::string name) { clients_[session] = std::move(name); }
  std::string client(SessionId session) const;
  // What events of a call have in common, as shown last.
  std::map<std::uint64_t, std::string>& cards() { return cards_; }

 private:
  using Table = std::map<std::uint64_t, std::string>;
  static std::string show(Table& table, std::uint64_t value, const char* prefix);

  Table calls_, parties_, conversations_, cards_;
  std::map<SessionId, std::string> clients_;
};

std::vector<std::string> render(const Effects& effects, Names& names, const std::vector<std::string>& links);

// Attributes "Name=value" into a message; enumerations by name, KVLists as {key=text,key:=number}.
// Returns what is wrong, if something is.
std::optional<std::string> set_attribute(tlib::Message& message, const std::string& name, const std::string& value,
                                         const Names& names);

// A field of a link message by its name; false if it has none, or none with such a value.
bool set_field(google::protobuf::Message& message, const std::string& name, const std::string& value,
               const Names& names);

}  // namespace tandem::tserver::test
