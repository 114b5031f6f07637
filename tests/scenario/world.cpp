#include "world.h"

#include <algorithm>

#include "records_of.h"
#include "tserver/model/invariants.h"
#include "tserver/model/kept.h"

namespace tandem::tserver::test {
namespace {

constexpr Now kStart{std::chrono::seconds(100), std::chrono::microseconds(1790000000000000)};

}  // namespace

World::World(Settings settings)
    : machine_(std::make_unique<FeatureMachine>(std::make_shared<const Settings>(std::move(settings)), kStart)),
      now_(kStart) {}

Effects World::handle(Input input) {
  const auto* request = std::get_if<ClientRequest>(&input);
  if (request != nullptr && request->message.referenceid() != 0 && state().clients.contains(request->session)) {
    answers_[{request->session, request->message.referenceid()}] = 1;
  }
  std::optional<SessionId> closed;
  if (const auto* in = std::get_if<ClientClosed>(&input)) closed = in->session;
  Effects effects = run(std::move(input));
  if (closed) std::erase_if(answers_, [&](const auto& entry) { return entry.first.first == *closed; });
  return effects;
}

void World::advance(Instant by, const std::function<void(const Effects&)>& seen) {
  const Instant end = now_.steady + by;
  while (timers_.next() && *timers_.next() <= end) {
    const Instant step = *timers_.next() - now_.steady;
    now_.steady += step;
    now_.wall += std::chrono::duration_cast<std::chrono::microseconds>(step);
    seen(run(TimerFired{*timers_.pop(now_.steady)}));
  }
  const Instant rest = end - now_.steady;
  now_.steady = end;
  now_.wall += std::chrono::duration_cast<std::chrono::microseconds>(rest);
}

Effects World::run(Input input) {
  Effects all;
  machine_->handle(std::move(input), now_, all);
  tell_backup();
  return sort_out(std::move(all));
}

// What is for clients and Connectors, of all that is to be done; the rest is done here.
Effects World::sort_out(Effects all) {
  Effects visible;
  for (Effect& effect : all) {
    if (const auto* set = std::get_if<SetTimer>(&effect)) {
      timers_.set(set->key, set->at);
    } else if (const auto* cancel = std::get_if<CancelTimer>(&effect)) {
      timers_.cancel(cancel->key);
    } else if (std::holds_alternative<CancelAllTimers>(effect)) {
      timers_ = {};
    } else if (auto* line = std::get_if<LogLine>(&effect)) {
      log_.push_back(std::move(line->text));
    } else {
      if (const auto* deliver = std::get_if<Deliver>(&effect)) check_delivery(*deliver);
      if (const auto* order = std::get_if<Order>(&effect)) {
        if (order->command.id() <= commands_[order->link]) fault("command ids don't rise");
        commands_[order->link] = order->command.id();
        if (!state().links[order->link].up) fault("an order to a link that is down");
      }
      visible.push_back(std::move(effect));
    }
  }
  for (std::string& what : check_invariants(state())) fault(std::move(what));
  return visible;
}

void World::begin_backup() {
  backup_ = true;
  replica_ = std::make_shared<Replica>();
  machine_->begin_telling(now_, [&](const std::string& key, const std::string& record) { replica_->put(key, record); });
  check_backup();
}

void World::tell_backup() {
  if (!backup_) return;
  sync::Delta delta;
  machine_->take_changes(now_, delta);
  replica_->apply(delta);
  check_backup();
}

void World::restore(FeatureMachine& backup, Effects& out) {
  Effects before;
  for (const CtiLink& link : state().links) {  // a backup has links, too, and keeps what it is told of calls
    if (!link.up && link.call_data.empty()) continue;
    link::Hello hello;
    hello.set_incarnation(link.incarnation);
    hello.set_application(link.application);
    backup.handle(LinkUp{link.no, hello, {}}, now_, before);
    link::Happening told;
    for (const auto& [key, data] : link.call_data) {
      auto& put = *told.mutable_call_data()->add_put();
      put.set_kind(key.first);
      put.set_number(key.second);
      put.set_data(data);
    }
    if (told.has_call_data()) backup.handle(Happened{link.no, told}, now_, before);
    if (!link.up) backup.handle(LinkDown{link.no, "lost"}, now_, before);
  }
  backup.handle(RoleChanged{true, state().epoch + 1, "the primary died", replica_}, now_, out);
}

// The records are those of what there is now, and a backup made of them would tell the same.
void World::check_backup() {
  const auto told = machine_->told();
  if (told.checksum != replica_->checksum() || told.count != replica_->records().size())
    fault("the backup's checksum is another");
  const auto compare = [&](const State& with, const std::string& what) {
    for (std::string& one : differences(*replica_, records_of(with, now_), what)) fault(std::move(one));
  };
  compare(state(), "what there is");
  if (++deltas_ % 8 != 0) return;
  Effects effects;
  FeatureMachine backup(state().settings, kStart);
  restore(backup, effects);
  for (std::string& what : check_invariants(backup.state())) fault("after a takeover: " + std::move(what));
  State& there = const_cast<State&>(backup.state());
  for (CtiLink& link : there.links) {  // it waits for each that has calls
    if (state().links[link.no].up) {
      link.loss_timer.reset();
      link.takeover_timer.reset();
    }
    link.generation = state().links[link.no].generation;
    link.first_command = state().links[link.no].first_command;
  }
  compare(there, "the backup");
}

Effects World::take_over() {
  auto backup = std::make_unique<FeatureMachine>(state().settings, now_);
  Effects all;
  restore(*backup, all);
  machine_ = std::move(backup);
  timers_ = {};
  std::erase_if(answers_, [](const auto& entry) { return !is_kept(entry.first.first); });
  Effects visible = sort_out(std::move(all));
  if (backup_) begin_backup();
  return visible;
}

void World::check_delivery(const Deliver& deliver) {
  if (deliver.event->eventsequencenumber() != ++sequence_) fault("EventSequenceNumber does not rise by one");
  const auto now = static_cast<std::int64_t>(deliver.event->timeinsecs()) * 1000000 + deliver.event->timeinusecs();
  if (now != now_.wall.count()) fault("the event's time is not now");
  if (deliver.to.empty()) fault("an event for nobody");
  if (deliver.event->has_referenceid()) fault("ReferenceID belongs into the requester's copy only");
  for (const SessionId session : deliver.to) {
    if (!machine_->state().clients.contains(session)) fault("an event for a client that is gone");
  }
  if (deliver.reference_id == 0) return;
  int& owed = answers_[{deliver.requester, deliver.reference_id}];
  // A single-step conference may answer twice: with EventRinging and with EventPartyAdded.
  if (owed != 1 && deliver.event->type() != tlib::EventPartyAdded)
    fault("request " + std::to_string(deliver.reference_id) +
          " is answered a second time, or was never made: " + tlib::MessageType_Name(deliver.event->type()));
  owed = 0;
}

void World::expect_empty() {
  if (!state().calls.empty()) fault(std::to_string(state().calls.size()) + " calls are left");
  if (timers_.size() != 0) fault(std::to_string(timers_.size()) + " timers are left");
  while (const auto key = timers_.pop(Instant::max())) {
    fault("  of kind " + std::to_string(key->kind) + " for " + std::to_string(key->subject) + ", generation " +
          std::to_string(key->generation));
  }
  for (const auto& [dn, device] : state().devices) {
    if (!device->calls.empty()) fault(dn.str() + " has calls left");
  }
  for (const CtiLink& link : state().links) {
    if (!link.conversations.empty()) fault("link " + link.name + " has conversations left");
  }
  for (const auto& [key, owed] : answers_) {
    if (owed != 0)
      fault("request " + std::to_string(key.second) + " of client " + std::to_string(key.first.value) +
            " got no answer");
  }
}

}  // namespace tandem::tserver::test
