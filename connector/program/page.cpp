#include "connector/program/page.h"

namespace tandem::connector {
namespace {

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

void add_sip(metrics::Exposition& out, const Figures& figures, const Meter& meter) {
  out.gauge("tandem_legs", "SIP dialogs and attempts at one.").add(number(figures.sip.legs));
  out.gauge("tandem_invites_unanswered", "INVITEs not answered yet.").add(number(figures.sip.unanswered));
  out.gauge("tandem_invites_unacknowledged", "INVITEs answered and not acknowledged yet.")
      .add(number(figures.sip.unacknowledged));
  out.counter("tandem_invites_refused_total", "INVITEs that a limit turned away with 503.")
      .add(number(figures.sip.refused));
  out.gauge("tandem_sip_transactions", "SIP transactions that the library keeps, finished ones too.")
      .add({{"side", "server"}}, number(figures.sip.server_transactions))
      .add({{"side", "client"}}, number(figures.sip.client_transactions));
  out.counter("tandem_sip_messages_total", "SIP messages.")
      .add({{"direction", "in"}}, number(figures.sip.messages_in))
      .add({{"direction", "out"}}, number(figures.sip.messages_out));
  out.counter("tandem_sip_bad_messages_total", "SIP messages that could not be read.")
      .add(number(figures.sip.bad_messages));
  out.counter("tandem_sip_retransmissions_total", "Requests and responses that had to be sent again.")
      .add(number(figures.sip.retransmissions));
  out.counter("tandem_sip_timeouts_total", "Transactions that nobody answered.").add(number(figures.sip.timeouts));
  out.counter("tandem_sip_requests_total", "SIP requests.");
  for (const auto& [key, count] : meter.requests())
    out.add({{"method", key.first}, {"direction", key.second}}, number(count));
  out.counter("tandem_sip_responses_total", "Final SIP responses.");
  for (const auto& [key, count] : meter.answers())
    out.add({{"method", key.method}, {"direction", key.direction}, {"status", std::to_string(key.status)}},
            number(count));
  out.gauge("tandem_registered_contacts", "Contacts of phones, those learned from other Connectors too.")
      .add(number(figures.contacts));
}

void add_media(metrics::Exposition& out, const Figures& figures, const Meter& meter) {
  const MediaCounters& media = figures.media;
  out.gauge("tandem_media_endpoints", "Parties with open media.").add(number(figures.endpoints));
  out.gauge("tandem_media_ports_used", "RTP and RTCP ports in use.").add(number(figures.endpoints * 2));
  out.gauge("tandem_media_ports", "RTP and RTCP ports there are.").add(number(figures.media_ports));
  out.counter("tandem_media_packets_total", "RTP packets.")
      .add({{"direction", "in"}}, number(media.packets_in))
      .add({{"direction", "out"}}, number(media.packets_out));
  out.counter("tandem_media_bytes_total", "Bytes of RTP packets.")
      .add({{"direction", "in"}}, number(media.bytes_in))
      .add({{"direction", "out"}}, number(media.bytes_out));
  out.counter("tandem_media_lost_total", "Packets missing in what parties sent.").add(number(media.lost));
  out.histogram("tandem_media_jitter_seconds", "Jitter of what a party sent, at the end of its stream.")
      .add({}, meter.jitter());
  out.histogram("tandem_media_loss_ratio", "Share of packets missing in what a party sent, at the end of its stream.")
      .add({}, meter.loss());
  out.counter("tandem_media_dropped_total", "Packets not passed on.")
      .add({{"why", "stranger"}}, number(media.strangers))
      .add({{"why", "invalid"}}, number(media.invalid))
      .add({{"why", "unwanted"}}, number(media.unwanted))
      .add({{"why", "send-failed"}}, number(media.send_failed));
  out.counter("tandem_media_worker_cpu_seconds_total", "Processor time of a media thread.");
  for (std::size_t i = 0; i < figures.worker_cpu.size(); ++i)
    out.add({{"worker", std::to_string(i)}}, std::chrono::duration<double>(figures.worker_cpu[i]).count());
}

void add_store(metrics::Exposition& out, const std::optional<StoreCounts>& store) {
  out.gauge("tandem_store_on", "1 while call data is kept on disk, so that calls outlive this process.")
      .add(store ? 1 : 0);
  if (!store) return;
  out.gauge("tandem_store_bytes", "Size of the file of call data, with its journal.").add(number(store->file_bytes));
  out.gauge("tandem_store_waiting", "Records not written yet.").add(number(store->waiting));
  out.counter("tandem_store_records_total", "Records written.").add(number(store->records));
  out.counter("tandem_store_written_bytes_total", "Bytes of them.").add(number(store->bytes));
  out.counter("tandem_store_transactions_total", "Transactions they were written in.").add(number(store->transactions));
  out.counter("tandem_store_failures_total", "Writes that failed; what they had is written with the next.")
      .add(number(store->failures));
  out.counter("tandem_store_cpu_seconds_total", "Processor time of who writes.")
      .add(static_cast<double>(store->writer_us) / 1e6);
}

}  // namespace

void add_metrics(metrics::Exposition& out, const Figures& figures, const Meter& meter) {
  out.gauge("tandem_conversations", "Calls on this Connector.").add(number(figures.core.conversations));
  out.gauge("tandem_parties", "Parties of them.")
      .add({{"state", "connected"}}, number(figures.core.connected))
      .add({{"state", "connecting"}}, number(figures.core.parties - figures.core.connected));
  out.counter("tandem_calls_offered_total", "Calls that phones and trunks began.").add(number(meter.calls()));
  out.gauge("tandem_links", "T-Servers connected.")
      .add({{"role", "primary"}}, number(meter.primaries()))
      .add({{"role", "backup"}}, number(meter.links() - meter.primaries()));
  add_sip(out, figures, meter);
  add_media(out, figures, meter);
  add_store(out, figures.store);
  out.gauge("tandem_certificate_expires_seconds", "End of a certificate in force, in seconds since 1970.");
  for (const auto& [file, end] : figures.certificates) out.add({{"file", file}}, static_cast<double>(end.count()));
}

}  // namespace tandem::connector
