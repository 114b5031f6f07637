// What outlives the process: calls and phones from the file of the one before, and what changes to the file and to the
// T-Servers.
#include "connector/program/engine.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kCallDataMax = 256 << 10;  // bytes of records in one happening

}  // namespace

// What the process before this one left.
CallsKept Engine::kept_calls() {
  if (settings_.keep.store.folder.empty()) return {};
  store_ = std::make_unique<Store>(settings_.keep.store, log_);
  auto stored = store_->open();
  if (!stored) {
    log_.write(LogLevel::Standard, "calls won't outlive this process: " + stored.error().text);
    store_.reset();
    return {};
  }
  std::vector<ha::Record> phones;
  auto records = std::make_shared<std::vector<ha::Record>>();
  for (const auto& bytes : stored->records) {
    ha::Record record;
    if (!record.ParseFromString(bytes)) continue;
    auto& of = record.has_registration() ? phones_kept_ : keeper_;
    of.begin(record, bytes);
    (record.has_registration() ? phones : *records).push_back(std::move(record));
  }
  restore_phones(phones);
  in_reach_until_ = stored->in_reach;
  if (records->empty()) return {};
  const auto away = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now().wall - stored->last_written);
  const std::string since =
      std::to_string(records->size()) + " records of calls, kept " + std::to_string(away.count()) + " ms ago";
  if (away > settings_.keep.window) {
    log_.write(LogLevel::Standard, since + ": too long ago, they are forgotten");
    return {};
  }
  log_.write(LogLevel::Standard, since);
  return CallsKept{std::move(records), loop_.now().wall - in_reach_until_ > settings_.keep.ours};
}

void Engine::restore_phones(const std::vector<ha::Record>& records) {
  const auto now = loop_.now();
  for (const auto& record : records) {
    const auto ago = now.wall - std::chrono::milliseconds(record.registration().told_ms());
    front_end_.restore(record.registration().bindings(), std::chrono::ceil<std::chrono::seconds>(ago), now);
  }
  registrations_changed();
  KeptBytes gone;
  phones_kept_.drop_unsaid(gone);
  store_->write(std::move(gone));
}

// False: what it has can't be continued.
bool Engine::add_dialogs(KeptChange& change) {
  auto& party = *change.record.mutable_party();
  for (std::size_t i = 0; i < change.legs.size(); ++i) {
    auto dialog = sip_->dialog(change.legs[i]);
    if (!dialog && !party.has_called()) return false;
    if (!dialog) continue;  // not sent yet
    auto& to = party.has_called() ? *party.mutable_called()->mutable_forks(static_cast<int>(i))->mutable_dialog()
                                  : *party.mutable_dialog();
    to.Swap(&*dialog);
  }
  return true;
}

// What changed since last time, to the file and to the T-Servers.
void Engine::keep() {
  keep_due_ = false;
  const bool first = core_->tell_all();
  if (first) core_->all_changed();
  core_->take_changes(loop_.now(), changes_);
  KeptBytes bytes;
  if (first) keeper_.tell_again();
  for (auto& change : changes_) {
    if (!change.gone && change.record.has_party()) change.gone = !add_dialogs(change);
    if (change.gone) {
      keeper_.drop(key_of(change.record), bytes);
    } else {
      keeper_.put(change.record, bytes);
    }
  }
  changes_.clear();
  if (first || !told_once_) keeper_.drop_unsaid(bytes);
  told_once_ = true;
  if (bytes.empty() && !first) return;
  tell(bytes, first);
  if (store_) store_->write(std::move(bytes));
}

// In pieces, so that no message is too long.
void Engine::tell(const KeptBytes& bytes, bool first) {
  auto one = bytes.begin();
  do {
    Report report;
    auto& data = *report.happening.mutable_call_data();
    data.set_first(std::exchange(first, false));
    for (std::size_t size = 0; one != bytes.end() && size < kCallDataMax; ++one) {
      auto& put = *data.add_put();
      put.set_kind(static_cast<std::uint32_t>(one->key.kind));
      put.set_number(one->key.number);
      put.set_data(one->bytes);
      size += one->bytes.size();
    }
    link_->perform(std::move(report));
  } while (one != bytes.end());
  link_->flush();  // nothing else may come in this turn
}

}  // namespace tandem::connector
