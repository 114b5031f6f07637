// The two kinds of session behind a Client: one that ends with its connection, and one that outlives it.
#pragma once

#include <limits>
#include <memory>

#include "tserver/client/client.h"

namespace tandem::client {

class ClientSession {
 public:
  virtual ~ClientSession() = default;
  virtual void open() = 0;
  virtual void close() = 0;
  virtual bool connected() const = 0;
  virtual std::int32_t send(tlib::Message& request) = 0;
};

std::unique_ptr<ClientSession> make_plain_session(net::EventLoop& loop, ClientOptions options, Client::OnEvent on_event,
                                                  Client::OnTrouble on_trouble);
std::unique_ptr<ClientSession> make_resuming_session(net::EventLoop& loop, ClientOptions options,
                                                     Client::OnEvent on_event, Client::OnTrouble on_trouble);

// ReferenceIDs rise from 1.
class References {
 public:
  std::int32_t next() {
    last_ = last_ == std::numeric_limits<std::int32_t>::max() ? 1 : last_ + 1;
    return last_;
  }

 private:
  std::int32_t last_ = 0;
};

// RequestRegisterClient as both begin it.
tlib::Message open_request(const ClientOptions& options, std::int32_t reference_id);

}  // namespace tandem::client
