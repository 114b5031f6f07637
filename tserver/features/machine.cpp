#include "tserver/features/machine.h"

namespace tandem::tserver {
namespace {

class TServerMachine final : public Machine {
 public:
  void handle(Input, Now, Effects&) override {}
};

}  // namespace

std::unique_ptr<Machine> make_machine(std::shared_ptr<const Settings>, Now) {
  return std::make_unique<TServerMachine>();
}

}  // namespace tandem::tserver
