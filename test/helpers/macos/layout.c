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
  printf("\"end\":0}\n");
  return 0;
}
