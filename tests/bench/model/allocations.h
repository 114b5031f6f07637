// Counts what operator new is asked for in this program.
#pragma once

#include <cstdint>

std::uint64_t allocations();
