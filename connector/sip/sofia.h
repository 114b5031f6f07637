// sofia-sip's headers with our context types, and an owner for each of its handles. Included by sources of this folder
// only.
#pragma once

namespace tandem::connector {
class SipLoop;
struct SipRoomImpl;
class SipLeg;
}  // namespace tandem::connector

#define SU_ROOT_MAGIC_T tandem::connector::SipLoop
#define SU_WAKEUP_ARG_T tandem::connector::SipLoop
#define SU_PREPOLL_MAGIC_T tandem::connector::SipLoop
#define SU_TIMER_ARG_T tandem::connector::SipLoop
#define NTA_AGENT_MAGIC_T tandem::connector::SipRoomImpl
#define NTA_LEG_MAGIC_T tandem::connector::SipLeg
#define NTA_INCOMING_MAGIC_T tandem::connector::SipLeg
#define NTA_OUTGOING_MAGIC_T tandem::connector::SipLeg

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_strlst.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>

#include <memory>
#include <utility>

namespace tandem::connector::sofia {

template <auto Close>
struct Closer {
  template <class T>
  void operator()(T* handle) const {
    Close(handle);
  }
};

using Agent = std::unique_ptr<nta_agent_t, Closer<nta_agent_destroy>>;
using DialogLeg = std::unique_ptr<nta_leg_t, Closer<nta_leg_destroy>>;
using Message = std::unique_ptr<msg_t, Closer<msg_destroy>>;

// A request we sent. Giving it up unbinds it: the library ends it by itself and calls nobody.
using Outgoing = std::unique_ptr<nta_outgoing_t, Closer<nta_outgoing_destroy>>;
// A request we received. Giving up one not answered yet answers 500.
using Incoming = std::unique_ptr<nta_incoming_t, Closer<nta_incoming_destroy>>;

using Timer = std::unique_ptr<su_timer_t, Closer<su_timer_destroy>>;

// Memory of the library's own; freed with its owner.
class Home {
 public:
  Home() : home_(static_cast<su_home_t*>(su_home_new(sizeof(su_home_t)))) {}
  ~Home() { su_home_unref(home_); }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  su_home_t* get() const { return home_; }

 private:
  su_home_t* home_;
};

inline const url_string_t* url(const char* text) {
  return reinterpret_cast<const url_string_t*>(text);
}
inline const url_string_t* url(const url_t* parsed) {
  return reinterpret_cast<const url_string_t*>(parsed);
}

}  // namespace tandem::connector::sofia
