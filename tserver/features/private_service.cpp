// RequestPrivateService: services known by number (MMC-415). Applications' own numbers, from 10000 on, are passed on to
// whoever is registered on the DN.
#include "tserver/features/checks.h"
#include "tserver/features/features.h"

namespace tandem::tserver {
namespace {

constexpr std::int32_t kRecordingStart = 3013, kRecordingResume = 3016;
constexpr std::int32_t kFirstOfApplications = 10000;

std::optional<Refusal> private_service(Core& core, Request& request) {
  const auto device = check_device(core, request);
  if (!device) return device.error();
  tlib::Message& message = request.message;
  if (!message.has_privatemsgid()) return refusal(tlib::TERR_INVALID_ATTR, "PrivateMsgID is missing");
  const std::int32_t id = message.privatemsgid();
  if (id >= kRecordingStart && id <= kRecordingResume)
    return refusal(tlib::TERR_UNSUP_OPER, "calls are not recorded by request");
  if (id < kFirstOfApplications) return refusal(tlib::TERR_BAD_PARAM, "PrivateMsgID is not that of a service");
  Event event = new_event(core.now, tlib::EventPrivateInfo);
  event->set_privatemsgid(id);
  event->set_thisdn((*device)->dn.str());
  if (message.connid() != 0) event->set_connid(message.connid());
  if (message.userdata().pairs_size() > 0) event->mutable_userdata()->Swap(message.mutable_userdata());
  if (message.extensions().pairs_size() > 0) event->mutable_extensions()->Swap(message.mutable_extensions());
  if (message.reasons().pairs_size() > 0) event->mutable_reasons()->Swap(message.mutable_reasons());
  core.tell(**device, std::move(event), request.asker());
  return std::nullopt;
}

}  // namespace

void register_private_service(Table& table) {
  table.serve(tlib::RequestPrivateService, private_service);
  table.makes({tlib::EventPrivateInfo});
}

}  // namespace tandem::tserver
