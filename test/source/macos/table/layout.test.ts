import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  BUFFER_BYTES,
  INPCB,
  SOCKET,
  SOCKET_WORDS,
  STATS,
  TCPCB,
  XINPGEN_BYTES,
  XINPGEN_COUNT,
} from '../../../../src/source/macos/table/layout.ts';
import {
  ADD_ALL,
  ADD_ALL_BYTES,
  DESCRIPTOR,
  HEADER,
  UPDATE,
  UPDATE_BYTES,
} from '../../../../src/source/macos/events/messages.ts';
import { IF_MESSAGE } from '../../../../src/source/macos/native/interfaces.ts';
import { hasCompiler, useCompiler } from '../../../helpers/macos/compile.ts';

const compile = useCompiler();

// Without a C compiler there is nothing to compare with.
test.runIf(hasCompiler)('the layouts are those of structures written from the headers of XNU', () => {
  const at = JSON.parse(execFileSync(compile('layout.c'), { encoding: 'utf8' })) as Record<string, number>;
  const words = {
    'xinpgen.xig_count': XINPGEN_COUNT,
    'xinpcb_n.xi_inpp': INPCB.pcb,
    'xinpcb_n.inp_fport': INPCB.ports,
    'xinpcb_n.inp_gencnt': INPCB.generation,
    'xinpcb_n.inp_vflag': INPCB.vflag,
    'xinpcb_n.inp_dependfaddr': INPCB.remoteAddress,
    'xinpcb_n.inp_dependladdr': INPCB.localAddress,
    'xsocket_n.xso_so': SOCKET.socket,
    'xsocket_n.xso_family': SOCKET.family,
    'xsocket_n.so_qlen': SOCKET.queueLength,
    'xsocket_n.so_qlimit': SOCKET.queueLimit,
    'xsocket_n.so_uid': SOCKET.uid,
    'xsocket_n.so_last_pid': SOCKET.lastPid,
    'xsocket_n.so_e_pid': SOCKET.effectivePid,
    'xsocket_n.so_gencnt': SOCKET_WORDS,
    'xsockbuf_n.sb_cc': BUFFER_BYTES,
    'xsockstat_n.xst_tc_stats[0].rxbytes': STATS.rxBytes,
    'xsockstat_n.xst_tc_stats[0].txbytes': STATS.txBytes,
    'xtcpcb_n.t_state': TCPCB.state,
    'xtcpcb_n.snd_una': TCPCB.sndUna,
    'xtcpcb_n.iss': TCPCB.iss,
    'xtcpcb_n.irs': TCPCB.irs,
    'xtcpcb_n.rcv_nxt': TCPCB.rcvNxt,
    'xtcpcb_n.snd_cwnd': TCPCB.sndCwnd,
    'xtcpcb_n.t_starttime': TCPCB.startTime,
    'xtcpcb_n.t_maxseg': TCPCB.maxSegment,
    'xtcpcb_n.t_srtt': TCPCB.srtt,
    'xtcpcb_n.t_rttvar': TCPCB.rttvar,
  };
  expect(Object.fromEntries(Object.keys(words).map((name) => [name, (at[name] ?? NaN) / 4]))).toEqual(words);
  expect(at).toMatchObject({
    xinpgen: XINPGEN_BYTES,
    // The sizes of the records of the dump of macOS 27.
    xinpcb_n: 104,
    xsocket_n: 104,
    xsockbuf_n: 32,
    xsockstat_n: 136,
    xtcpcb_n: 204,
    // The fields that `native/processes.ts` reads.
    proc_fdinfo: 8,
    proc_bsdshortinfo: 64,
    'proc_bsdshortinfo.pbsi_ppid': 4,
    'proc_bsdshortinfo.pbsi_pgid': 8,
    'proc_bsdshortinfo.pbsi_comm': 16,
    'proc_bsdshortinfo.pbsi_uid': 36,
    socket_fdinfo: 792,
    'socket_fdinfo.psi.soi_so': 160,
    kinfo_proc: 648,
    'kinfo_proc.p_starttime_usec': 8,
    'kinfo_proc.p_pid': 40,
    // The fields that `native/lib-system.ts` writes.
    ctl_info: 100,
    sockaddr_ctl: 32,
    'sockaddr_ctl.sc_id': 4,
  });
  const bytes = {
    if_msghdr2: IF_MESSAGE.size,
    'if_msghdr2.ifm_msglen': IF_MESSAGE.length,
    'if_msghdr2.ifm_type': IF_MESSAGE.type,
    'if_msghdr2.ifm_flags': IF_MESSAGE.flags,
    'if_msghdr2.ifm_index': IF_MESSAGE.index,
    'if_msghdr2.ifm_data.ifi_ibytes': IF_MESSAGE.rxBytes,
    'if_msghdr2.ifm_data.ifi_obytes': IF_MESSAGE.txBytes,
    'nstat_msg_hdr.type': HEADER.type,
    'nstat_msg_hdr.length': HEADER.length,
    'nstat_msg_hdr.flags': HEADER.flags,
    nstat_msg_add_all_srcs: ADD_ALL_BYTES,
    'nstat_msg_add_all_srcs.filter': ADD_ALL.filter,
    'nstat_msg_add_all_srcs.provider': ADD_ALL.provider,
    nstat_msg_src_update: UPDATE_BYTES,
    'nstat_msg_src_update.counts.nstat_rxbytes': UPDATE.rxBytes,
    'nstat_msg_src_update.counts.nstat_txbytes': UPDATE.txBytes,
    'nstat_msg_src_update.counts.nstat_rxduplicatebytes': UPDATE.rxDuplicates,
    'nstat_msg_src_update.counts.nstat_txretransmit': UPDATE.txRetransmits,
    'nstat_msg_src_update.counts.nstat_avg_rtt': UPDATE.rtt,
    'nstat_msg_src_update.counts.nstat_var_rtt': UPDATE.rttVar,
    'nstat_msg_src_update.provider': UPDATE.provider,
    nstat_tcp_descriptor: DESCRIPTOR.tcp.bytes,
    'nstat_tcp_descriptor.start_timestamp': DESCRIPTOR.tcp.started,
    'nstat_tcp_descriptor.timestamp': DESCRIPTOR.tcp.at,
    'nstat_tcp_descriptor.state': DESCRIPTOR.tcp.state,
    'nstat_tcp_descriptor.pid': DESCRIPTOR.tcp.pid,
    'nstat_tcp_descriptor.epid': DESCRIPTOR.tcp.effectivePid,
    'nstat_tcp_descriptor.local': DESCRIPTOR.tcp.local,
    'nstat_tcp_descriptor.remote': DESCRIPTOR.tcp.remote,
    'nstat_tcp_descriptor.pname': DESCRIPTOR.tcp.name,
    'nstat_tcp_descriptor.uid': DESCRIPTOR.tcp.uid,
    nstat_udp_descriptor: DESCRIPTOR.udp.bytes,
    'nstat_udp_descriptor.start_timestamp': DESCRIPTOR.udp.started,
    'nstat_udp_descriptor.timestamp': DESCRIPTOR.udp.at,
    'nstat_udp_descriptor.pid': DESCRIPTOR.udp.pid,
    'nstat_udp_descriptor.epid': DESCRIPTOR.udp.effectivePid,
    'nstat_udp_descriptor.local': DESCRIPTOR.udp.local,
    'nstat_udp_descriptor.remote': DESCRIPTOR.udp.remote,
    'nstat_udp_descriptor.pname': DESCRIPTOR.udp.name,
    'nstat_udp_descriptor.uid': DESCRIPTOR.udp.uid,
  };
  expect(Object.fromEntries(Object.keys(bytes).map((name) => [name, at[name]]))).toEqual(bytes);
});
