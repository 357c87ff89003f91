/*
 * Structures of XNU that netpane reads, written down from its headers: bsd/netinet/in_pcb.h, bsd/netinet/tcp_var.h and
 * bsd/sys/socketvar.h (packed to 4 bytes), bsd/sys/proc_info.h, bsd/sys/sysctl.h and bsd/sys/proc.h,
 * bsd/net/ntstat.h (revision 9) and bsd/sys/kern_control.h. `layout.c` prints
 * where their fields are; `libsystem.c` answers the calls of libSystem with them.
 */
#include <stddef.h>
#include <stdint.h>

#pragma pack(4)
struct xinpgen {
  uint32_t xig_len, xig_count;
  uint64_t xig_gen, xig_sogen;
};

struct xinpcb_n {
  uint32_t xi_len, xi_kind;
  uint64_t xi_inpp;
  uint16_t inp_fport, inp_lport;
  uint64_t inp_ppcb, inp_gencnt;
  int32_t inp_flags;
  uint32_t inp_flow;
  uint8_t inp_vflag, inp_ip_ttl, inp_ip_p;
  uint32_t inp_dependfaddr[4], inp_dependladdr[4];
  struct {
    uint8_t inp4_ip_tos;
  } inp_depend4;
  struct {
    uint8_t inp6_hlim;
    int32_t inp6_cksum;
    uint16_t inp6_ifindex;
    int16_t inp6_hops;
  } inp_depend6;
  uint32_t inp_flowhash, inp_flags2;
};

/* macOS before 13 ends it after so_e_pid. */
struct xsocket_n {
  uint32_t xso_len, xso_kind;
  uint64_t xso_so;
  int16_t so_type;
  uint32_t so_options;
  int16_t so_linger, so_state;
  uint64_t so_pcb;
  int32_t xso_protocol, xso_family;
  int16_t so_qlen, so_incqlen, so_qlimit, so_timeo;
  uint16_t so_error;
  int32_t so_pgid;
  uint32_t so_oobmark, so_uid;
  int32_t so_last_pid, so_e_pid;
  uint64_t so_gencnt;
  uint32_t so_flags, so_flags1;
  int32_t so_usecount, so_retaincnt;
  uint32_t xso_filter_flags;
};

struct xsockbuf_n {
  uint32_t xsb_len, xsb_kind, sb_cc, sb_hiwat, sb_mbcnt, sb_mbmax;
  int32_t sb_lowat;
  int16_t sb_flags, sb_timeo;
};

struct data_stats {
  uint64_t rxpackets, rxbytes, txpackets, txbytes;
};

struct xsockstat_n {
  uint32_t xst_len, xst_kind;
  struct data_stats xst_tc_stats[4];
};

struct xtcpcb_n {
  uint32_t xt_len, xt_kind;
  uint64_t t_segq;
  int32_t t_dupacks, t_timer[4], t_state;
  uint32_t t_flags;
  int32_t t_force;
  uint32_t snd_una, snd_max, snd_nxt, snd_up, snd_wl1, snd_wl2, iss, irs, rcv_nxt, rcv_adv, rcv_wnd, rcv_up;
  uint32_t snd_wnd, snd_cwnd, snd_ssthresh, t_maxopd, t_rcvtime, t_starttime;
  int32_t t_rtttime;
  uint32_t t_rtseq;
  int32_t t_rxtcur;
  uint32_t t_maxseg;
  int32_t t_srtt, t_rttvar, t_rxtshift;
  uint32_t t_rttmin, t_rttupdated, max_sndwnd;
  int32_t t_softerror;
  char t_oobflags, t_iobc;
  uint8_t snd_scale, rcv_scale, request_r_scale, requested_s_scale;
  uint32_t ts_recent, ts_recent_age, last_ack_sent, cc_send, cc_recv, snd_recover, snd_cwnd_prev, snd_ssthresh_prev;
};
#pragma pack()

struct proc_fdinfo {
  int32_t proc_fd;
  uint32_t proc_fdtype;
};

struct proc_bsdshortinfo {
  uint32_t pbsi_pid, pbsi_ppid, pbsi_pgid, pbsi_status;
  char pbsi_comm[16];
  uint32_t pbsi_flags, pbsi_uid, pbsi_gid, pbsi_ruid, pbsi_rgid, pbsi_svuid, pbsi_svgid, pbsi_rfu;
};

struct proc_fileinfo {
  uint32_t fi_openflags, fi_status;
  int64_t fi_offset;
  int32_t fi_type;
  uint32_t fi_guardflags;
};

struct vinfo_stat {
  uint32_t vst_dev;
  uint16_t vst_mode, vst_nlink;
  uint64_t vst_ino;
  uint32_t vst_uid, vst_gid;
  int64_t vst_times[8], vst_size, vst_blocks;
  int32_t vst_blksize;
  uint32_t vst_flags, vst_gen, vst_rdev;
  int64_t vst_qspare[2];
};

struct sockbuf_info {
  uint32_t sbi_cc, sbi_hiwat, sbi_mbcnt, sbi_mbmax, sbi_lowat;
  int16_t sbi_flags, sbi_timeo;
};

struct socket_fdinfo {
  struct proc_fileinfo pfi;
  struct {
    struct vinfo_stat soi_stat;
    uint64_t soi_so, soi_pcb;
    int32_t soi_type, soi_protocol, soi_family;
    int16_t soi_options, soi_linger, soi_state, soi_qlen, soi_incqlen, soi_qlimit, soi_timeo;
    uint16_t soi_error;
    uint32_t soi_oobmark;
    struct sockbuf_info soi_rcv, soi_snd;
    int32_t soi_kind;
    uint32_t rfu_1;
    uint8_t soi_proto[528];
  } psi;
};

/* net/if_var.h, net/if.h: an interface with its counters. */
#pragma pack(push, 4)
struct if_data64 {
  uint8_t ifi_type, ifi_typelen, ifi_physical, ifi_addrlen, ifi_hdrlen, ifi_recvquota, ifi_xmitquota, ifi_unused1;
  uint32_t ifi_mtu, ifi_metric;
  uint64_t ifi_baudrate, ifi_ipackets, ifi_ierrors, ifi_opackets, ifi_oerrors, ifi_collisions, ifi_ibytes, ifi_obytes;
  uint64_t ifi_imcasts, ifi_omcasts, ifi_iqdrops, ifi_noproto;
  uint32_t ifi_recvtiming, ifi_xmittiming;
  int32_t ifi_lastchange[2];
};
#pragma pack(pop)

struct if_msghdr2 {
  uint16_t ifm_msglen;
  uint8_t ifm_version, ifm_type;
  int32_t ifm_addrs, ifm_flags;
  uint16_t ifm_index;
  int32_t ifm_snd_len, ifm_snd_maxlen, ifm_snd_drops, ifm_timer;
  struct if_data64 ifm_data;
};

/* The fields of struct kinfo_proc of a 64-bit system that are used; 648 bytes with the others. */
struct kinfo_proc {
  int64_t p_starttime_sec;
  int32_t p_starttime_usec;
  int32_t padding;
  uint64_t p_vmspace, p_sigacts;
  int32_t p_flag;
  char p_stat;
  int32_t p_pid;
  uint8_t others[604];
};

#define ALIGNED __attribute__((aligned(8)))

struct ctl_info {
  uint32_t ctl_id;
  char ctl_name[96];
};

struct sockaddr_ctl {
  uint8_t sc_len, sc_family;
  uint16_t ss_sysaddr;
  uint32_t sc_id, sc_unit, sc_reserved[5];
};

union nstat_address {
  struct {
    uint8_t length, family;
    uint16_t port;
    uint32_t address;
    uint8_t zero[8];
  } v4;
  struct {
    uint8_t length, family;
    uint16_t port;
    uint32_t flow;
    uint8_t address[16];
    uint32_t scope;
  } v6;
};

struct nstat_msg_hdr {
  uint64_t context ALIGNED;
  uint32_t type;
  uint16_t length, flags;
};

struct nstat_msg_add_all_srcs {
  struct nstat_msg_hdr hdr;
  uint64_t filter ALIGNED, events;
  uint32_t provider;
  int32_t target_pid;
  uint8_t target_uuid[16];
};

struct nstat_counts {
  uint64_t nstat_rxpackets ALIGNED, nstat_rxbytes, nstat_txpackets, nstat_txbytes;
  uint64_t nstat_cell_rxbytes, nstat_cell_txbytes, nstat_wifi_rxbytes, nstat_wifi_txbytes;
  uint64_t nstat_wired_rxbytes, nstat_wired_txbytes;
  uint32_t nstat_rxduplicatebytes, nstat_rxoutoforderbytes, nstat_txretransmit;
  uint32_t nstat_connectattempts, nstat_connectsuccesses, nstat_min_rtt, nstat_avg_rtt, nstat_var_rtt;
};

struct nstat_msg_src_update {
  struct nstat_msg_hdr hdr;
  uint64_t srcref ALIGNED, event_flags;
  struct nstat_counts counts;
  uint32_t provider;
  uint8_t reserved[4];
};

struct nstat_tcp_descriptor {
  uint64_t upid ALIGNED, eupid, start_timestamp, timestamp, rx_transfer_size, tx_transfer_size;
  uint64_t activity_bitmap[3];
  uint32_t ifindex, state, sndbufsize, sndbufused, rcvbufsize, rcvbufused, txunacked, txwindow, txcwindow;
  uint32_t traffic_class, traffic_mgt_flags, pid, epid;
  union nstat_address local, remote;
  char cc_algo[16], pname[64];
  uint8_t uuid[16], euuid[16], vuuid[16], fuuid[16];
  uint32_t persona_id, uid, connstatus, ifnet_properties;
  uint8_t fallback_mode, reserved[3];
};

struct nstat_udp_descriptor {
  uint64_t upid ALIGNED, eupid, start_timestamp, timestamp;
  uint64_t activity_bitmap[3];
  union nstat_address local, remote;
  uint32_t ifindex, rcvbufsize, rcvbufused, traffic_class, pid;
  char pname[64];
  uint32_t epid;
  uint8_t uuid[16], euuid[16], vuuid[16], fuuid[16];
  uint32_t persona_id, uid, ifnet_properties;
  uint8_t fallback_mode, reserved[3];
};
