#include "network.h"

#include <algorithm>

namespace tandem::simulation {

Process::Process(Network& network, std::string name)
    : network_(network), schedule_(network.schedule()), name_(std::move(name)), host_(network.new_host()) {}

Now Process::now() const {
  Now present = schedule_.now();
  present.wall += ahead_;
  return present;
}

void Process::launch() {
  if (alive_) return;
  alive_ = true;
  ++life_;
  paused_until_ = Instant{0};
  backlog_.clear();
  trace("starts");
  started();
}

void Process::kill() {
  if (!alive_) return;
  trace("dies");
  alive_ = false;
  backlog_.clear();
  network_.died(*this);
  ended();
}

void Process::pause(Instant time) {
  if (!alive_ || paused()) return;
  trace("stands still for " + std::to_string(time.count() / 1000000) + " ms");
  paused_until_ = schedule_.steady() + time;
  schedule_.at(paused_until_, [this, life = life_] {
    if (alive_ && life == life_) resume();
  });
}

void Process::resume() {
  trace("goes on");
  while (!backlog_.empty() && alive_ && !paused()) {
    Action next = std::move(backlog_.front());
    backlog_.pop_front();
    next();
  }
}

void Process::run(Action action) {
  if (!alive_) return;
  if (paused() || !backlog_.empty()) {
    backlog_.push_back(std::move(action));
  } else {
    action();
  }
}

void Process::later(Instant delay, Action action) {
  if (!alive_) return;
  schedule_.at(schedule_.steady() + delay, [this, life = life_, action = std::move(action)]() mutable {
    if (life == life_) run(std::move(action));
  });
}

Pipe::Pipe(Network& network, Process& from, Process& to, Kind kind)
    : network_(network), from_(from.host()), to_(to.host()), kind_(kind) {
  network_.pipes_.push_back(this);
}
Pipe::~Pipe() {
  *here_ = false;
  std::erase(network_.pipes_, this);
}

void Pipe::send(Action arrive, Instant patience, Action lost) {
  Item item{++sent_, std::move(arrive), std::move(lost)};
  if (patience.count() > 0) {
    const Instant end = network_.schedule_.steady() + patience;
    network_.schedule_.at(end, [this, here = here_, no = item.no] {
      if (!*here) return;
      const auto it = find(no);
      if (it == queue_.end()) return;
      const Action tell = std::move(it->lost);
      queue_.erase(it);
      if (tell) tell();
    });
  }
  plan(item.no);
  queue_.push_back(std::move(item));
}

std::deque<Pipe::Item>::iterator Pipe::find(std::uint64_t no) {
  return std::find_if(queue_.begin(), queue_.end(), [&](const Item& one) { return one.no == no; });
}

void Pipe::plan(std::uint64_t no) {
  const Instant usual = network_.schedule_.steady() + network_.delay();
  if (kind_ == Kind::Ordered) last_ = std::max(last_, usual);
  network_.schedule_.at(kind_ == Kind::Ordered ? last_ : usual, [this, here = here_, no] {
    if (*here) arrive(no);
  });
}

void Pipe::arrive(std::uint64_t no) {
  if (network_.is_cut(from_, to_)) return missed_.push_back(no);
  // Of what is in order, the first that waits has come.
  const auto it = kind_ == Kind::Ordered ? queue_.begin() : find(no);
  if (it == queue_.end()) return;  // lost meanwhile
  const Action next = std::move(it->arrive);
  queue_.erase(it);
  next();
}

void Pipe::heal() {
  for (const auto no : std::exchange(missed_, {})) plan(no);
}

void Network::end() {
  std::vector<std::deque<Pipe::Item>> dropped;  // at once, since connections hold pipes
  for (Pipe* pipe : pipes_) dropped.push_back(std::exchange(pipe->queue_, {}));
}

Stream::Stream(Network& network, Process& a, Process& b)
    : sides_{{&a, true, {}}, {&b, true, {}}}, pipes_{{network, a, b}, {network, b, a}}, network_(network) {
  network_.streams_.push_back(this);
}
Stream::~Stream() {
  std::erase(network_.streams_, this);
}

void Stream::send(int side, Action deliver) {
  if (!sides_[side].open) return;
  ++sent_[side];
  pipes_[side].send([self = shared_from_this(), other = 1 - side, deliver = std::move(deliver)]() mutable {
    if (!self->sides_[other].open) return;
    self->sides_[other].process->run([self, other, deliver = std::move(deliver)] {
      if (!self->sides_[other].open) return;
      ++self->arrived_[other];
      deliver();
    });
  });
}

void Stream::close(int side) {
  if (!sides_[side].open) return;
  pipes_[side].send([self = shared_from_this(), other = 1 - side] {
    if (!self->sides_[other].open) return;
    self->sides_[other].process->run([self, other] {
      if (!self->sides_[other].open) return;
      self->sides_[other].open = false;
      if (const auto closed = std::exchange(self->sides_[other].closed, {})) closed("closed by the other side");
    });
  });
  sides_[side].open = false;
  sides_[side].closed = {};
}

Instant Network::delay() {
  const Instant usual = std::chrono::microseconds(50) + random_.up_to(latency_);
  return spike_.count() > 0 && random_.one_in(40) ? usual + random_.up_to(spike_) : usual;
}

void Network::cut(const Process& from, const Process& to) {
  cuts_[{from.host(), to.host()}] = true;
  ++counts_[{from.host(), to.host()}];
}

std::uint32_t Network::cut_count(std::size_t from, std::size_t to) const {
  const auto it = counts_.find({from, to});
  return it == counts_.end() ? 0 : it->second;
}

void Network::heal(const Process& from, const Process& to) {
  if (cuts_.erase({from.host(), to.host()}) == 0) return;
  const auto pipes = pipes_;
  for (Pipe* pipe : pipes) {
    if (pipe->leads(from.host(), to.host())) pipe->heal();
  }
}

void Network::heal_all() {
  cuts_.clear();
  const auto pipes = pipes_;
  for (Pipe* pipe : pipes) pipe->heal();
}

void Network::connect(Process& from, Process& to, std::function<void(StreamPtr)> accepted,
                      std::function<void(StreamPtr)> connected, Action failed) {
  const Instant there = delay(), back = delay();
  from.later(there, [this, &from, &to, there, back, accepted = std::move(accepted), connected = std::move(connected),
                     failed = std::move(failed)] {
    if (is_cut(from.host(), to.host()) || is_cut(to.host(), from.host()))
      return from.later(std::chrono::seconds(3), failed);
    if (!to.alive()) return from.later(back, failed);
    auto stream = std::make_shared<Stream>(*this, from, to);
    stream->not_before(1, schedule_.steady() + back);
    // What the other one says at once is heard after that.
    from.later(back, [stream, connected, failed] { stream->open(0) ? connected(stream) : failed(); });
    to.run([stream, accepted] {
      if (stream->open(1)) accepted(stream);
    });
  });
}

void Network::died(Process& process) {
  std::vector<StreamPtr> streams;
  for (Stream* stream : streams_) streams.push_back(stream->shared_from_this());
  for (const StreamPtr& stream : streams) {
    for (const int side : {0, 1}) {
      if (&stream->process(side) == &process) stream->close(side);
    }
  }
}

}  // namespace tandem::simulation
