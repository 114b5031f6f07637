#include "common/http/wire.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace tandem::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

std::shared_ptr<Wire> Wire::make(Socket socket, const net::TlsContextPtr& tls, const std::string& name,
                                 Handler& handler) {
  auto session = tls == nullptr ? nullptr : std::make_unique<net::TlsSession>(tls, name);
  return std::make_shared<Wire>(std::move(socket), std::move(session), handler);
}

Wire::Wire(Socket socket, std::unique_ptr<net::TlsSession> tls, Handler& handler)
    : socket_(std::move(socket)), resolver_(socket_.get_executor()), tls_(std::move(tls)), handler_(&handler) {}

void Wire::connect(const std::string& host, std::uint16_t port) {
  resolver_.async_resolve(
      host, std::to_string(port),
      [self = shared_from_this(), host](error_code error, const tcp::resolver::results_type& addresses) {
        if (error) return self->end("host " + host + " is not known: " + error.message());
        if (self->handler_ == nullptr) return;
        asio::async_connect(self->socket_, addresses, [self](error_code failed, const tcp::endpoint&) {
          if (failed) return self->end(failed.message());
          if (self->handler_ != nullptr) self->begin();
        });
      });
}

void Wire::accepted() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->handler_ != nullptr) self->begin();
  });
}

void Wire::begin() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (tls_ == nullptr) {
    opened_ = true;
    return handler_->on_open();
  }
  if (auto begun = tls_->start(); !begun) return end(begun.error().text);
  flush();
  receive();
}

void Wire::read() {
  wanted_ = true;
  if (plain_.empty() || handing_) return receive();
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->hand_over(); });
}

void Wire::receive() {
  if (!socket_.is_open() || std::exchange(receiving_, true)) return;
  socket_.async_read_some(asio::buffer(received_), [self = shared_from_this()](error_code error, std::size_t count) {
    self->receiving_ = false;
    if (error) return self->end(error == asio::error::eof ? std::string() : error.message());
    self->take({self->received_.data(), count});
  });
}

void Wire::take(std::string_view bytes) {
  if (handler_ == nullptr) return;
  if (tls_ == nullptr) {
    plain_.append(bytes);
  } else {
    const auto taken = tls_->received(bytes, plain_);
    flush();
    if (!taken) return end(taken.error().text);
    if (!opened_ && tls_->established()) {
      opened_ = true;
      handler_->on_open();
    }
  }
  hand_over();
  if (handler_ == nullptr) return;
  if (tls_ != nullptr && tls_->peer_closed()) return end("");
  if (!opened_ || wanted_) receive();
}

void Wire::hand_over() {
  if (finishing_) plain_.clear();
  if (handler_ == nullptr || !wanted_ || plain_.empty()) return;
  wanted_ = false;
  handing_ = true;
  handler_->on_bytes(plain_);
  handing_ = false;
}

void Wire::send(std::string_view bytes) {
  if (tls_ == nullptr) {
    wire_.append(bytes);
  } else if (auto sent = tls_->send(bytes); !sent) {
    asio::post(socket_.get_executor(), [self = shared_from_this(), why = sent.error().text] { self->end(why); });
    return;
  }
  flush();
}

void Wire::finish() {
  finishing_ = wanted_ = true;
  if (tls_ != nullptr) tls_->close();
  flush();
  receive();
}

void Wire::flush() {
  if (tls_ != nullptr) {
    wire_.append(tls_->output().view());
    tls_->output().clear();
  }
  if (!writing_.empty()) return;
  if (wire_.empty()) {
    error_code ignored;
    if (finishing_) socket_.shutdown(tcp::socket::shutdown_send, ignored);
    return;
  }
  writing_.swap(wire_);
  asio::async_write(socket_, asio::buffer(writing_.view().data(), writing_.size()),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      self->writing_.clear();
                      if (error) return self->end(error.message());
                      self->flush();
                      if (self->handler_ != nullptr && self->opened_ && self->writing_.empty())
                        self->handler_->on_sent();
                    });
}

void Wire::close() {
  handler_ = nullptr;
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void Wire::end(const std::string& why) {
  if (auto* handler = std::exchange(handler_, nullptr)) {
    close();
    handler->on_end(why);
  }
}

}  // namespace tandem::http
