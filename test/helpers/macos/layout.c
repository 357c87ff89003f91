/* Prints where the fields of XNU's structures are, as JSON by their names: bytes, and the sizes of the structures. */
#include <stdio.h>
#include "xnu.h"

#define SIZE(type) printf("\"%s\":%zu,\n", #type, sizeof(struct type));
#define AT(type, field) printf("\"%s.%s\":%zu,\n", #type, #field, offsetof(struct type, field));

int main(void) {
  printf("{\n");
  SIZE(xinpgen) AT(xinpgen, xig_count)
  SIZE(xinpcb_n) AT(xinpcb_n, xi_inpp) AT(xinpcb_n, inp_fport) AT(xinpcb_n, inp_gencnt) AT(xinpcb_n, inp_vflag)
  AT(xinpcb_n, inp_dependfaddr) AT(xinpcb_n, inp_dependladdr)
  SIZE(xsocket_n) AT(xsocket_n, xso_so) AT(xsocket_n, xso_family) AT(xsocket_n, so_qlen) AT(xsocket_n, so_qlimit)
  AT(xsocket_n, so_uid) AT(xsocket_n, so_last_pid) AT(xsocket_n, so_e_pid) AT(xsocket_n, so_gencnt)
  SIZE(xsockbuf_n) AT(xsockbuf_n, sb_cc)
  SIZE(xsockstat_n) AT(xsockstat_n, xst_tc_stats[0].rxbytes) AT(xsockstat_n, xst_tc_stats[0].txbytes)
  SIZE(xtcpcb_n) AT(xtcpcb_n, t_state) AT(xtcpcb_n, snd_una) AT(xtcpcb_n, iss) AT(xtcpcb_n, irs) AT(xtcpcb_n, rcv_nxt)
  AT(xtcpcb_n, snd_cwnd) AT(xtcpcb_n, t_starttime) AT(xtcpcb_n, t_maxseg) AT(xtcpcb_n, t_srtt) AT(xtcpcb_n, t_rttvar)
  SIZE(proc_fdinfo) SIZE(proc_bsdshortinfo) AT(proc_bsdshortinfo, pbsi_ppid) AT(proc_bsdshortinfo, pbsi_pgid)
  AT(proc_bsdshortinfo, pbsi_comm) AT(proc_bsdshortinfo, pbsi_uid)
  SIZE(socket_fdinfo) AT(socket_fdinfo, psi.soi_so)
  SIZE(kinfo_proc) AT(kinfo_proc, p_starttime_usec) AT(kinfo_proc, p_pid)
  SIZE(ctl_info) SIZE(sockaddr_ctl) AT(sockaddr_ctl, sc_id) SIZE(nstat_msg_hdr) AT(nstat_msg_hdr, type)
  AT(nstat_msg_hdr, length) AT(nstat_msg_hdr, flags) SIZE(nstat_msg_add_all_srcs) AT(nstat_msg_add_all_srcs, filter)
  AT(nstat_msg_add_all_srcs, provider) SIZE(nstat_msg_src_update) AT(nstat_msg_src_update, counts.nstat_rxbytes)
  AT(nstat_msg_src_update, counts.nstat_txbytes) AT(nstat_msg_src_update, counts.nstat_rxduplicatebytes)
  AT(nstat_msg_src_update, counts.nstat_txretransmit) AT(nstat_msg_src_update, counts.nstat_avg_rtt)
  AT(nstat_msg_src_update, counts.nstat_var_rtt) AT(nstat_msg_src_update, provider)
  SIZE(nstat_tcp_descriptor) AT(nstat_tcp_descriptor, start_timestamp) AT(nstat_tcp_descriptor, timestamp)
  AT(nstat_tcp_descriptor, state) AT(nstat_tcp_descriptor, pid) AT(nstat_tcp_descriptor, epid)
  AT(nstat_tcp_descriptor, local) AT(nstat_tcp_descriptor, remote) AT(nstat_tcp_descriptor, pname)
  AT(nstat_tcp_descriptor, uid)
  SIZE(nstat_udp_descriptor) AT(nstat_udp_descriptor, start_timestamp) AT(nstat_udp_descriptor, timestamp)
  AT(nstat_udp_descriptor, pid) AT(nstat_udp_descriptor, epid) AT(nstat_udp_descriptor, local)
  AT(nstat_udp_descriptor, remote) AT(nstat_udp_descriptor, pname) AT(nstat_udp_descriptor, uid)
  SIZE(if_msghdr2) AT(if_msghdr2, ifm_msglen) AT(if_msghdr2, ifm_type) AT(if_msghdr2, ifm_flags) AT(if_msghdr2, ifm_index)
  AT(if_msghdr2, ifm_data.ifi_ibytes) AT(if_msghdr2, ifm_data.ifi_obytes)
  printf("\"end\":0}\n");
  return 0;
}
