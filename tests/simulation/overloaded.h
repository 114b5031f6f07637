// One function of several, for std::visit.
#pragma once

namespace tandem::simulation {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace tandem::simulation
