#include "common/net/connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include "common/net/loop_impl.h"
#include "common/net/stream.h"

namespace tandem::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t first_read = 4096;
constexpr std::size_t longest_read = 64 * 1024;
constexpr int frames_per_turn = 128;  // then others have their turn
constexpr std::size_t records_at_once =
    128 * 1024;  // plain bytes made into TLS records before the socket is asked again
constexpr Instant flood_break = std::chrono::seconds(1);  // so long without being held back, and a flood is over
constexpr auto linger_time = std::chrono::seconds(1);

bool would_block(const boost::system::error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

const char* to_string(CloseReason reason) {
  switch (reason) {
    case CloseReason::Local:
      return "closed here";
    case CloseReason::PeerClosed:
      return "closed by the other side";
    case CloseReason::Broken:
      return "transport failed";
    case CloseReason::FrameTooLong:
      return "frame too long";
    case CloseReason::SlowReader:
      return "slow reader";
    case CloseReason::Flood:
      return "flood";
    case CloseReason::Idle:
      return "silent for too long";
    case CloseReason::HandshakeFailed:
      return "TLS handshake failed";
    case CloseReason::HandshakeTimeout:
      return "TLS handshake took too long";
  }
  return "unknown";
}

std::string to_string(const tcp::endpoint& endpoint) {
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(endpoint.port());
}

Stream::Stream(EventLoop& loop, tcp::socket socket, const ConnectionOptions& options, std::function<void()> gone)
    : loop_(loop),
      socket_(std::move(socket)),
      options_(options),
      gone_(std::move(gone)),
      decoder_(options.frame_limit),
      rx_(first_read),
      deadline_(loop),
      idle_(loop) {
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  peer_ = to_string(socket_.remote_endpoint(ignored));
  local_ = to_string(socket_.local_endpoint(ignored));
  if (options_.burst == 0) options_.burst = options_.frames_per_second;
  allowance_ = options_.burst;
}

Stream::~Stream() {
  give_back();
}

void Stream::prepare(const TlsContextPtr& tls, const std::string& name, Ready ready) {
  ready_ = std::move(ready);
  if (tls == nullptr) {
    loop_.post([self = shared_from_this()] {
      if (self->state_ != State::Preparing) return;
      self->state_ = State::Open;
      std::exchange(self->ready_, nullptr)({});
    });
    return;
  }
  tls_ = std::make_unique<TlsSession>(tls, name);
  deadline_.start_in(options_.handshake_timeout, [this] {
    finish(CloseReason::HandshakeTimeout,
           "no TLS handshake within " + std::to_string(options_.handshake_timeout.count()) + " ms");
  });
  if (auto begun = tls_->start(); !begun) return finish(CloseReason::HandshakeFailed, begun.error().text);
  flush_soon();
  read();
}

void Stream::start(Handler& handler) {
  handler_ = &handler;
  refilled_ = heard_ = loop_.steady();
  watch_idle();
  continue_soon();
}

void Stream::detach() {
  handler_ = nullptr;
  ready_ = nullptr;
  if (state_ == State::Open) {
    close({});
  } else if (state_ == State::Preparing) {
    finish(CloseReason::Local, {});
  }
}

// --- Reading ---

void Stream::read() {
  if (reading_ || state_ == State::Closed) return;
  reading_ = true;
  if (std::exchange(filled_, false)) rx_.resize(rx_.size() * 2);  // only here nothing is being read into it
  socket_.async_read_some(asio::buffer(rx_),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
                            self->reading_ = false;
                            self->on_read(error, count);
                          });
}

void Stream::on_read(const boost::system::error_code& error, std::size_t count) {
  if (state_ == State::Closed) return;
  if (error) {
    if (state_ == State::Closing || state_ == State::Lingering) return finish(CloseReason::Local, close_text_);
    if (error == asio::error::eof) {
      return state_ == State::Preparing ? finish(CloseReason::HandshakeFailed, "it closed during the TLS handshake")
                                        : finish(CloseReason::PeerClosed, to_string(CloseReason::PeerClosed));
    }
    return finish(state_ == State::Preparing ? CloseReason::HandshakeFailed : CloseReason::Broken, error.message());
  }
  if (state_ == State::Closing || state_ == State::Lingering) return read();  // nobody wants it any more
  if (options_.idle_timeout.count() > 0) heard_ = loop_.steady();
  filled_ = count == rx_.size() && count < longest_read;
  take({rx_.data(), count});
}

void Stream::take(std::string_view bytes) {
  if (tls_ != nullptr) return take_tls(bytes);
  decoder_.feed(bytes);
  dispatch();
}

void Stream::take_tls(std::string_view bytes) {
  ByteQueue& plain = loop_.impl().scratch;
  plain.clear();
  auto taken = tls_->received(bytes, plain);
  if (!tls_->output().empty()) flush_soon();
  if (state_ == State::Preparing) {
    if (!taken) {
      boost::system::error_code ignored;  // the alert, if the socket takes it
      socket_.write_some(asio::buffer(tls_->output().view().data(), tls_->output().size()), ignored);
      socket_.shutdown(tcp::socket::shutdown_send, ignored);
      return finish(CloseReason::HandshakeFailed, taken.error().text);
    }
    if (!tls_->established()) return read();
    deadline_.cancel();
    state_ = State::Open;
    peer_name_ = tls_->peer_name();
    protocol_ = tls_->protocol();
    decoder_.feed(plain.view());
    decoder_.keep();
    // The rest is read when start() is called.
    loop_.post([self = shared_from_this()] {
      if (auto ready = std::exchange(self->ready_, nullptr)) ready({});
    });
    return;
  }
  decoder_.feed(plain.view());
  dispatch();
  if (state_ != State::Open) return;
  if (!taken) finish(CloseReason::Broken, taken.error().text);
}

void Stream::dispatch() {
  for (int count = 0; state_ == State::Open && handler_ != nullptr; ++count) {
    if (paused_ || held_back_) return decoder_.keep();
    if (count == frames_per_turn) {
      decoder_.keep();
      return continue_soon();
    }
    if (!allowed()) {
      decoder_.keep();
      return hold_back();
    }
    const auto frame = decoder_.next();
    if (!frame) return finish(CloseReason::FrameTooLong, frame.error().text);
    if (!*frame) {
      if (tls_ == nullptr || !tls_->peer_closed()) return read();
      return finish(CloseReason::PeerClosed, to_string(CloseReason::PeerClosed));
    }
    allowance_ -= 1;
    handler_->on_frame(**frame);
  }
  decoder_.keep();
}

bool Stream::allowed() {
  if (options_.frames_per_second == 0 || allowance_ >= 1) return true;
  const Instant now = loop_.steady();
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  refilled_ = now;
  allowance_ = std::min<double>(options_.burst, allowance_ + seconds * options_.frames_per_second);
  return allowance_ >= 1;
}

void Stream::hold_back() {
  const Instant now = loop_.steady();
  if (now - held_back_at_ > flood_break) flood_since_ = now;
  held_back_at_ = now;
  if (now - flood_since_ >= options_.flood_timeout) {
    return finish(CloseReason::Flood, "more than " + std::to_string(options_.frames_per_second) +
                                          " messages a second for " + std::to_string(options_.flood_timeout.count()) +
                                          " ms");
  }
  held_back_ = true;
  deadline_.start_in(std::chrono::milliseconds(50), [this] {
    held_back_ = false;
    continue_soon();
  });
}

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  continue_soon();
}

void Stream::continue_soon() {
  if (dispatching_ || state_ != State::Open) return;
  dispatching_ = true;
  loop_.post([self = shared_from_this()] {
    self->dispatching_ = false;
    if (!self->reading_) self->dispatch();
  });
}

void Stream::watch_idle() {
  if (options_.idle_timeout.count() == 0) return;
  idle_.start(heard_ + options_.idle_timeout, [this] {
    if (state_ != State::Open) return;
    if (loop_.steady() - heard_ < options_.idle_timeout) return watch_idle();
    finish(CloseReason::Idle, "nothing received for " + std::to_string(options_.idle_timeout.count()) + " ms");
  });
}

// --- Writing ---

bool Stream::room_for(std::size_t size) {
  if (state_ != State::Open) return false;
  if (queued() + size + frame_head > options_.queue_limit) {
    finish(CloseReason::SlowReader, std::to_string(queued()) + " bytes wait to be read by it");
    return false;
  }
  flush_soon();
  return true;
}

bool Stream::send(std::string_view head, std::string_view body) {
  const std::size_t size = head.size() + body.size();
  if (!room_for(size)) return false;
  char* to = pending_.prepare(frame_head + size);
  write_frame_head(to, static_cast<std::uint32_t>(size));
  if (!head.empty()) std::memcpy(to + frame_head, head.data(), head.size());
  if (!body.empty()) std::memcpy(to + frame_head + head.size(), body.data(), body.size());
  pending_.commit(frame_head + size);
  return true;
}

char* Stream::send_space(std::size_t size) {
  if (!room_for(size)) return nullptr;
  char* to = pending_.prepare(frame_head + size);
  write_frame_head(to, static_cast<std::uint32_t>(size));
  pending_.commit(frame_head + size);
  return to + frame_head;
}

void Stream::flush_soon() {
  if (flush_scheduled_ || writing_) return;
  flush_scheduled_ = true;
  loop_.at_turn_end([self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->flush();
  });
}

// Puts the next bytes for the socket into wire_. False: there are none.
bool Stream::fill_wire() {
  if (tls_ == nullptr) {
    wire_.swap(pending_);
    return !wire_.empty();
  }
  if (!pending_.empty() && tls_->established()) {
    const std::size_t count = std::min(pending_.size(), records_at_once);
    if (auto sent = tls_->send(pending_.view().substr(0, count)); !sent) {
      finish(CloseReason::Broken, sent.error().text);
      return false;
    }
    pending_.consume(count);
  }
  wire_.swap(tls_->output());
  return !wire_.empty();
}

void Stream::flush() {
  if (writing_ || state_ == State::Closed || state_ == State::Lingering) return;
  while (!wire_.empty() || fill_wire()) {
    boost::system::error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(wire_.view().data(), wire_.size()), error);
    if (!error) {
      wire_.consume(sent);
      continue;
    }
    if (!would_block(error))
      return finish(state_ == State::Closing ? CloseReason::Local : CloseReason::Broken, error.message());
    writing_ = true;
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const boost::system::error_code& failed) {
      self->writing_ = false;
      if (!failed) self->flush();
    });
    return;
  }
  if (state_ == State::Closing) linger();
}

// --- Closing ---

void Stream::close(const std::string& text) {
  if (state_ == State::Preparing) return finish(CloseReason::Local, text);
  if (state_ != State::Open) return;
  state_ = State::Closing;
  close_text_ = text;
  idle_.cancel();
  deadline_.start_in(linger_time, [this] { finish(CloseReason::Local, close_text_); });
  flush_soon();
}

// All is sent: says so to the other side and waits for its end, so that nothing under way is lost.
void Stream::linger() {
  state_ = State::Lingering;
  boost::system::error_code ignored;
  if (tls_ != nullptr) {
    tls_->close();
    socket_.write_some(asio::buffer(tls_->output().view().data(), tls_->output().size()), ignored);
  }
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  read();
}

void Stream::finish(CloseReason reason, const std::string& text) {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  deadline_.cancel();
  idle_.cancel();
  pending_.clear();
  wire_.clear();
  give_back();
  loop_.post([self = shared_from_this(), reason, text] {
    if (auto ready = std::exchange(self->ready_, nullptr)) return ready(text);
    if (Handler* handler = std::exchange(self->handler_, nullptr)) handler->on_closed(reason, text);
  });
}

void Stream::give_back() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (auto gone = std::exchange(gone_, nullptr)) gone();
}

}  // namespace tandem::net
