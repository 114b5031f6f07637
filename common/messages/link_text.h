// A message of the CTI link as one line of the log (MMC-277, MMC-278, MMC-279):
//
//   PLAY * MLTP/1.0; conversation: 8000...; party: 8000...; source: PROMPTS; treatment-params: **** (length:21)
//
// Headers are the message's fields under their names with dashes. Digits stand in `data`; what a treatment plays and
// asks stands in `treatment-params`.
#pragma once

#include <string>

#include "common/log/hide.h"
#include "proto/link.pb.h"

namespace tandem {

std::string link_text(const link::Command& command, const HiddenHeaders& hidden);
std::string link_text(const link::Happening& happening, const HiddenHeaders& hidden);

}  // namespace tandem
