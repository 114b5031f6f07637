// A value or a reason why not: `Result<T, E>` is boost::system::result, the shape of std::expected.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace tandem {

template <class T, class E>
using Result = boost::system::result<T, E>;

// A refusal in words, where no code is documented.
struct Failure {
  std::string text;
};

[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + failure.text);
}

}  // namespace tandem
