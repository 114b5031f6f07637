"""Kamailio as a registrar and proxy in front of the Connectors: phones register with it by digest, whom it doesn't know it looks for
with the Connectors. Small on purpose; everything in one folder."""
import pathlib
import subprocess

import harness

CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=2
auto_aliases=no
alias="{domain}"
listen=udp:{ip}:5060
listen=tcp:{ip}:5060
use_dns_cache=no
dns_cache_init=no
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("tm", "fr_timer", 5000)
modparam("tm", "fr_inv_timer", 60000)
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  xlog("L_NOTICE", "$rm $ru from $fu at $si:$sp\\n");
  force_rport();
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here"); exit;
  }}
  t_check_trans();
  if (is_method("INVITE")) record_route();
  if (!({pool}) && is_method("REGISTER|INVITE")) {{
    if (is_method("REGISTER")) $var(u) = $tU; else $var(u) = $fU;
    $var(p) = $var(u) + "-secret";
    if (!pv_www_authenticate("{domain}", "$var(p)", "0")) {{ www_challenge("{domain}", "1"); exit; }}
    if ($au != $var(u)) {{ sl_send_reply("403", "Not your identity"); exit; }}
    consume_credentials();
  }}
  if (is_method("REGISTER")) {{ if (!save("location")) sl_reply_error(); exit; }}
  if (is_method("OPTIONS") && $rU == $null) {{ sl_send_reply("200", "OK"); exit; }}
  if (lookup("location")) {{ if (!t_relay()) sl_reply_error(); exit; }}
  if ({pool}) {{ sl_send_reply("480", "Not registered"); exit; }}
  $du = "sip:{next_hop}";
  if (!t_relay()) sl_reply_error();
}}
"""


class Kamailio:
    def __init__(self, site, address, connectors):
        harness.need("kamailio")
        self.folder = pathlib.Path(site.folder) / "kamailio"
        self.folder.mkdir()
        self.address = address
        pool = " || ".join(f'src_ip == {connector}' for connector in connectors)
        (self.folder / "kamailio.cfg").write_text(CONFIG.format(domain=harness.DOMAIN, ip=address, pool=pool, next_hop=f"{connectors[0]}:5060"))

    def __enter__(self):
        config = self.folder / "kamailio.cfg"
        check = subprocess.run(["kamailio", "-f", config, "-Y", self.folder, "-c"], capture_output=True, text=True)
        if check.returncode != 0:
            raise AssertionError("kamailio: " + check.stderr[-1500:])
        self.program = harness.Program("kamailio", ["kamailio", "-f", config, "-Y", self.folder, "-P", self.folder / "pid", "-DD", "-E", "-m", "64", "-M",
                                                    "8"], self.folder)
        harness.until("kamailio", self.answers)
        return self

    def answers(self):
        import socket
        if not self.program.alive():
            raise AssertionError("kamailio ended: " + self.program.text()[-1500:])
        try:
            socket.create_connection((self.address, 5060), 1).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.program.stop()
