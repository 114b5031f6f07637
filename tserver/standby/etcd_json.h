// What is said to etcd's HTTP/JSON gateway (etcd 3.4, /v3) and what it answers, in our own words. Pure. Keys and values
// are base64 there, 64-bit numbers are strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace tandem::tserver::etcd {

// One request: POST `path` with a JSON body.
struct Post {
  std::string path;
  std::string body;
};

// What came back.
struct Reply {
  std::uint32_t status = 0;
  std::string body;
};

// Keys of one pair: `folder` ends in a slash.
struct Keys {
  std::string folder;
  std::string role() const { return folder + "role"; }
  std::string base() const { return folder + "epoch-base"; }
};

// Both keys at one revision.
struct Seen {
  std::uint64_t revision = 0;      // of the store
  std::string holder;              // empty: nobody
  std::uint64_t lease = 0;         // the holder's
  std::uint64_t created = 0;       // revision at which the holder came
  std::uint64_t base = 0;          // 0: none yet
  std::uint64_t base_changed = 0;  // revision at which the base was written
};

// The holder's key with its lease and the base, both written if nobody holds the role and the base is still that seen.
struct Taking {
  std::string holder;
  std::uint64_t lease = 0;
  std::uint64_t base = 0;
  std::uint64_t base_changed = 0;
};
struct Taken {
  bool done = false;
  std::uint64_t revision = 0;
};

Post look(const Keys& keys);
Post grant(std::uint64_t ttl_seconds);
Post take(const Keys& keys, const Taking& taking);
Post keep(std::uint64_t lease);
Post revoke(std::uint64_t lease);

struct Lease {
  std::uint64_t id = 0;
  std::uint64_t ttl_seconds = 0;  // 0 in the answer to keep(): there is no such lease
};

// Bodies of answers with status 200.
Result<Seen, Failure> read_look(const Keys& keys, std::string_view body);
Result<Lease, Failure> read_grant(std::string_view body);
Result<Taken, Failure> read_take(std::string_view body);
Result<Lease, Failure> read_keep(std::string_view body);
// Of another status: what etcd says is wrong.
std::string read_error(std::uint32_t status, std::string_view body);

}  // namespace tandem::tserver::etcd
