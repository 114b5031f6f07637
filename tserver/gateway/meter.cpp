#include "tserver/gateway/meter.h"

namespace tandem::tserver {

metrics::Histogram Meter::seconds() {
  return metrics::Histogram({0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1});
}

void Meter::begin(const Input& input) {
  kind_ = Kind::Other;
  if (const auto* request = std::get_if<ClientRequest>(&input)) {
    kind_ = Kind::Request;
    session_ = request->session;
    reference_id_ = request->message.referenceid();
    type_ = request->message.type();
    ++requests_[index(type_)].taken;
  } else if (std::holds_alternative<Happened>(input)) {
    kind_ = Kind::Happening;
  } else if (std::holds_alternative<TimerFired>(input)) {
    kind_ = Kind::Timer;
  }
}

void Meter::end(const Effects& effects, Instant took) {
  for (const Effect& effect : effects) {
    if (std::holds_alternative<Order>(effect)) ++commands_;
    const auto* deliver = std::get_if<Deliver>(&effect);
    if (deliver == nullptr) continue;
    ++events_[index(deliver->event->type())];
    copies_ += deliver->to.size();
    if (deliver->event->type() != tlib::EventError) continue;
    ++errors_[deliver->event->errorcode()];
    if (kind_ == Kind::Request && deliver->requester == session_ && deliver->reference_id == reference_id_)
      ++requests_[index(type_)].refused;
  }
  took_[static_cast<std::size_t>(kind_)].observe(std::chrono::duration<double>(took).count());
}

}  // namespace tandem::tserver
