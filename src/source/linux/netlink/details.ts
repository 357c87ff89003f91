import type { TcpInfo } from '../../../model/socket.ts';
import { INET, INET_DIAG_CONG, INET_DIAG_INFO } from './inet.ts';
import { decodeTcpInfo } from './tcp-info.ts';
import { counterAt, eachAttribute, LITTLE_ENDIAN, type NetlinkBuffer, textAt } from './wire.ts';

/** Further attributes of answers, include/uapi/linux/inet_diag.h. */
const INET_DIAG_SHUTDOWN = 8;
const INET_DIAG_DCTCPINFO = 9;
const INET_DIAG_SKV6ONLY = 11;
const INET_DIAG_MARK = 15;
const INET_DIAG_BBRINFO = 16;
const INET_DIAG_CGROUP_ID = 21;

/** Decodes all other details of a connection: struct tcp_info and the attributes known here. */
export function decodeDetails(buffer: NetlinkBuffer, start: number, end: number): TcpInfo {
  const { bytes, view } = buffer;
  let info: TcpInfo = {};
  const attributes: Record<string, number | string | boolean> = {};
  eachAttribute(buffer, start + INET.length, end, (type, from, to) => {
    if (type === INET_DIAG_INFO) info = decodeTcpInfo(buffer, from, to);
    else if (type === INET_DIAG_CONG) attributes['congestion'] = textAt(buffer, from, to);
    else if (type === INET_DIAG_SKV6ONLY && to > from) attributes['v6Only'] = bytes[from] !== 0;
    else if (type === INET_DIAG_SHUTDOWN && to > from) attributes['shutdown'] = bytes[from] ?? 0;
    else if (type === INET_DIAG_MARK && to >= from + 4)
      attributes['mark'] = view.getUint32(from, LITTLE_ENDIAN);
    else if (type === INET_DIAG_CGROUP_ID) {
      const id = counterAt(buffer, from, to);
      if (id !== undefined) attributes['cgroupId'] = id;
    } else if (type === INET_DIAG_BBRINFO) Object.assign(attributes, decodeBbr(buffer, from, to));
    else if (type === INET_DIAG_DCTCPINFO) Object.assign(attributes, decodeDctcp(buffer, from, to));
  });
  return { ...info, ...attributes };
}

/** Unit of the fixed-point gains of BBR (net/ipv4/tcp_bbr.c). */
const BBR_UNIT = 256;

/** Decodes struct tcp_bbr_info: estimated bandwidth, bytes per second, minimum round-trip time and gains. */
function decodeBbr(buffer: NetlinkBuffer, start: number, end: number): TcpInfo {
  const { view } = buffer;
  const bandwidth = counterAt(buffer, start, end);
  if (bandwidth === undefined || start + 20 > end) return {};
  return {
    bbrBandwidth: bandwidth,
    bbrMinRttMicros: view.getUint32(start + 8, LITTLE_ENDIAN),
    bbrPacingGain: view.getUint32(start + 12, LITTLE_ENDIAN) / BBR_UNIT,
    bbrCwndGain: view.getUint32(start + 16, LITTLE_ENDIAN) / BBR_UNIT,
  };
}

/** Decodes struct tcp_dctcp_info: whether DCTCP fell back to another algorithm, and its ECN state. */
function decodeDctcp({ view }: NetlinkBuffer, start: number, end: number): TcpInfo {
  if (start + 16 > end) return {};
  if (view.getUint16(start, LITTLE_ENDIAN) === 0) return { dctcpFallback: true };
  return {
    dctcpCeState: view.getUint16(start + 2, LITTLE_ENDIAN),
    dctcpAlpha: view.getUint32(start + 4, LITTLE_ENDIAN),
    dctcpAbEcn: view.getUint32(start + 8, LITTLE_ENDIAN),
    dctcpAbTotal: view.getUint32(start + 12, LITTLE_ENDIAN),
  };
}
