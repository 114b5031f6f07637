// What a T-Server would tell a backup now, made from its state alone; and in what two such tellings differ.
#pragma once

#include <string>
#include <vector>

#include "tserver/model/state.h"
#include "tserver/records/replica.h"

namespace tandem::tserver::test {

Replica records_of(const State& state, Now now);

// What `told` says and `is` doesn't, or otherwise. Names given are not looked at, nor what ends with the primary's own
// clients. `links`: those, too; who takes over has its own.
std::vector<std::string> differences(const Replica& told, const Replica& is, const std::string& what,
                                     bool links = true);

}  // namespace tandem::tserver::test
