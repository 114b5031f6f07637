#include "connector/media/endpoint.h"

#include <functional>

namespace tandem::connector {
namespace {

template <class Operation>
void combine(MediaCounters& a, const MediaCounters& b, Operation operation) {
  for (const auto member :
       {&MediaCounters::packets_in, &MediaCounters::bytes_in, &MediaCounters::packets_out, &MediaCounters::bytes_out,
        &MediaCounters::lost, &MediaCounters::strangers, &MediaCounters::invalid, &MediaCounters::unwanted,
        &MediaCounters::send_failed, &MediaCounters::rtcp_in, &MediaCounters::rtcp_out}) {
    a.*member = operation(a.*member, b.*member);
  }
}

}  // namespace

MediaCounters& MediaCounters::operator+=(const MediaCounters& other) {
  combine(*this, other, std::plus<>{});
  return *this;
}

MediaCounters& MediaCounters::operator-=(const MediaCounters& other) {
  combine(*this, other, std::minus<>{});
  return *this;
}

}  // namespace tandem::connector
