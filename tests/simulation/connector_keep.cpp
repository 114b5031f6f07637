// What of a Connector outlives its process, as connector/program/engine does it.
#include "connector.h"
#include "phone.h"

namespace tandem::simulation {

using namespace connector;

namespace {

constexpr std::chrono::milliseconds kWindow{60000}, kOurs{5000};

}  // namespace

// Legs come before the ports.
void Connector::take_up() {
  auto records = std::make_shared<std::vector<ha::Record>>();
  for (const auto& [key, bytes] : disk_.records()) {
    auto& record = records->emplace_back();
    if (!record.ParseFromString(bytes)) fault("a record on disk can't be read");
    keeper_.begin(record, bytes);
  }
  if (!records->empty()) {
    const auto away = std::chrono::duration_cast<std::chrono::milliseconds>(now().wall - disk_.last_written());
    trace(std::to_string(records->size()) + " records kept " + std::to_string(away.count()) + " ms ago");
    if (away <= kWindow) take(CallsKept{records, now().wall - disk_.reached() > kOurs});
  }
  take(PortsOpened{});
  keep();
}

void Connector::keep() {
  keep_due_ = false;
  const bool first = core_->tell_all();
  if (first) core_->all_changed();
  std::vector<KeptChange> changes;
  core_->take_changes(now(), changes);
  KeptBytes bytes;
  if (first) keeper_.tell_again();
  for (KeptChange& change : changes) {
    if (!change.gone && change.record.has_party()) change.gone = !add_dialogs(change);
    if (change.gone) {
      keeper_.drop(key_of(change.record), bytes);
    } else {
      keeper_.put(change.record, bytes);
    }
  }
  if (first || !told_once_) keeper_.drop_unsaid(bytes);
  told_once_ = true;
  if (bytes.empty() && !first) return;
  tell(bytes, first);
  disk_.write(*this, std::move(bytes));
}

// False: what it has can't be continued.
bool Connector::add_dialogs(KeptChange& change) {
  ha::Party& party = *change.record.mutable_party();
  for (std::size_t i = 0; i < change.legs.size(); ++i) {
    auto dialog = record_of(change.legs[i]);
    if (!dialog && !party.has_called()) return false;
    if (!dialog) continue;
    ha::Dialog& to = party.has_called() ? *party.mutable_called()->mutable_forks(static_cast<int>(i))->mutable_dialog()
                                        : *party.mutable_dialog();
    to.Swap(&*dialog);
  }
  return true;
}

void Connector::tell(const KeptBytes& bytes, bool first) {
  Report report;
  auto& data = *report.happening.mutable_call_data();
  data.set_first(first);
  for (const KeptRecord& one : bytes) {
    auto& put = *data.add_put();
    put.set_kind(static_cast<std::uint32_t>(one.key.kind));
    put.set_number(one.key.number);
    put.set_data(one.bytes);
  }
  act(report);
}

// As the sip room makes it of a leg.
std::optional<ha::Dialog> Connector::record_of(LegId id) const {
  const LegPtr leg = this->leg(id);
  if (!leg || leg->cancelled) return std::nullopt;
  const Dialog& dialog = *leg->dialog;
  if (!dialog.by_phone && leg->final_sent && !leg->acked) return std::nullopt;  // refused
  ha::Dialog record;
  record.set_call_id(dialog.call_id);
  record.set_local("<sip:" + name() + ">");
  record.set_local_tag("here");
  record.set_remote("<sip:" + dialog.phone->dn() + ">");
  record.set_remote_tag("there");
  record.set_local_cseq(leg->sequence);
  record.set_remote_cseq(leg->heard);
  record.set_target("sip:" + dialog.phone->dn());
  record.set_incoming(dialog.by_phone);
  record.set_peer_dn(dialog.phone->outside() ? "" : dialog.phone->dn());
  if (leg->waits()) record.set_request("INVITE");
  if (leg->calls()) {
    record.set_invite(leg->offer);
    record.set_proceeding(leg->proceeding);
  }
  return record;
}

void Connector::act(const RestoreLeg& a) {
  const DialogPtr dialog = book_.dialog(a.dialog.call_id());
  if (!dialog) return fault("a dialog is restored that there never was");
  if (has(*dialog)) return fault("a dialog is restored that is there: " + dialog->call_id);
  const LegPtr leg = begin_leg(dialog, a.leg);
  leg->restored = true;
  leg->heard = a.dialog.remote_cseq();
  if (!a.dialog.invite().empty()) return go_on_calling(leg, a.dialog);
  leg->acked = leg->final_sent = a.dialog.request().empty();
  leg->sequence = a.dialog.local_cseq() + 1000;
}

// Its INVITE is as good as ours: what the phone says to this Connector's address, it says to us. It goes out again only
// if nobody had responded at all.
void Connector::go_on_calling(const LegPtr& leg, const ha::Dialog& record) {
  leg->sequence = record.local_cseq();
  leg->offer = record.invite();
  leg->port = read_description(leg->offer).port;
  leg->proceeding = record.proceeding();
  if (!leg->proceeding) send_invite(leg);
}

void Connector::act(const DropLeg& a) {
  if (!leg(a.leg)) return fault("drops no leg");
  end_leg(a.leg);
}

void Connector::lose_unheard() {
  for (const LegPtr& leg : legs()) {
    const Dialog& dialog = *leg->dialog;
    if (leg->waits() && dialog.phase == Dialog::Phase::Over && dialog.unheard)
      take(LegLost{leg->id, "the caller gave up"});
  }
}

}  // namespace tandem::simulation
