// The fields that ss(8) of iproute2 prints after the columns, with the values of a socket of netpane. Each field is defined
// once here; names and formats are those of misc/ss.c.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Listed } from './listed.ts';

/**
 * A field of ss after the columns.
 * - `exact`: constant while the socket is idle; netpane must show the same.
 * - `elapsed`: a running time; netpane's value must be between those of ss before and after.
 * - `unsupported`: netpane does not show it, for the reason in `why`.
 */
interface Field {
  readonly name: string;
  readonly pattern: RegExp;
  readonly kind: 'exact' | 'elapsed' | 'unsupported';
  readonly text?: (socket: Listed, tcp: Record<string, number>) => string | number | undefined | false;
  readonly why?: string;
}

/** Formats a number like printf's %g, with at most six digits. */
export function general(value: number): string {
  const exponent = value === 0 ? 0 : Number(value.toExponential(5).split('e')[1]);
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  const [mantissa = '', power = ''] = value.toExponential(5).split('e');
  return `${Number(mantissa)}e${power.replace(/^([+-])(\d)$/, '$10$2')}`;
}

const millis = (micros: number | undefined) => (micros ? general(micros / 1000) : undefined);
const whole = (value: number | undefined) => value || undefined;
/** Formats a rate of bytes per second in bits per second. */
const bits = (rate: number | undefined) => (rate ? `${(rate * 8).toFixed(0)}bps` : undefined);

const exact = (name: string, value: string, text: NonNullable<Field['text']>): Field => ({
  name,
  pattern: new RegExp(`^${name}:(${value})(?= |$)`),
  kind: 'exact',
  text,
});
const count = (name: string, field: string): Field => exact(name, '\\d+', (_, tcp) => whole(tcp[field]));
const spaced = (name: string, text: NonNullable<Field['text']>): Field => ({
  name,
  pattern: new RegExp(`^${name} (\\S+)`),
  kind: 'exact',
  text,
});
const flag = (name: string, field: string): Field => ({
  name,
  pattern: new RegExp(`^(${name})(?= |$)`),
  kind: 'exact',
  text: (_, tcp) => (tcp[field] ? name : undefined),
});
const elapsed = (name: string, pattern: RegExp, text: NonNullable<Field['text']>): Field => ({
  name,
  pattern,
  kind: 'elapsed',
  text,
});
const unsupported = (name: string, pattern: RegExp, why: string): Field => ({
  name,
  pattern,
  kind: 'unsupported',
  why,
});

const isNoListener = (state: string | undefined) => state !== 'LISTEN';

const GENERAL: readonly Field[] = [
  exact('uid', '\\d+', ({ uid }) => whole(uid)),
  exact('ino', '\\d+', ({ inode = 0 }) => inode),
  exact('sk', '[0-9a-f]+', ({ id }) => id.replace(/^sk:/, '')),
];

/** Fields of inet_diag for a socket of any protocol. */
const INET: readonly Field[] = [
  exact('fwmark', '0x[0-9a-f]+', (_, { mark }) => mark !== undefined && mark > 0 && `0x${mark.toString(16)}`),
  { name: 'cgroup', pattern: /^cgroup:(\S+)/, kind: 'exact', text: (_, tcp) => cgroupPath(tcp['cgroupId']) },
  exact(
    'v6only',
    '[01]',
    ({ family }, { v6Only }) => family === 'ipv6' && v6Only !== undefined && (v6Only ? 1 : 0),
  ),
  {
    name: 'shutdown',
    pattern: /^([<-]-[>-])(?= |$)/,
    kind: 'exact',
    text: (_, { shutdown }) =>
      shutdown !== undefined && `${shutdown & 1 ? '-' : '<'}-${shutdown & 2 ? '-' : '>'}`,
  },
];

const TCP: readonly Field[] = [
  flag('ts', 'timestamps'),
  flag('sack', 'sack'),
  flag('ecn', 'ecn'),
  flag('ecnseen', 'ecnSeen'),
  flag('fastopen', 'synData'),
  exact('wscale', '\\d+,\\d+', (_, { windowScaling, sndWscale, rcvWscale }) =>
    windowScaling ? `${sndWscale},${rcvWscale}` : undefined,
  ),
  exact('rto', '\\S+', (_, { rtoMicros }) => rtoMicros !== 3_000_000 && millis(rtoMicros)),
  count('backoff', 'backoff'),
  exact('rtt', '\\S+', (_, { rttMicros, rttVarMicros = 0 }) =>
    rttMicros ? `${millis(rttMicros)}/${general(rttVarMicros / 1000)}` : undefined,
  ),
  exact('ato', '\\S+', (_, { atoMicros }) => millis(atoMicros)),
  count('mss', 'sndMss'),
  count('pmtu', 'pmtu'),
  count('rcvmss', 'rcvMss'),
  count('advmss', 'advMss'),
  count('cwnd', 'sndCwnd'),
  exact('ssthresh', '\\d+', (_, { sndSsthresh = 0 }) => sndSsthresh < 0xffff && whole(sndSsthresh)),
  count('bytes_sent', 'bytesSent'),
  count('bytes_retrans', 'bytesRetrans'),
  count('bytes_acked', 'bytesAcked'),
  count('bytes_received', 'bytesReceived'),
  count('segs_out', 'segsOut'),
  count('segs_in', 'segsIn'),
  count('data_segs_out', 'dataSegsOut'),
  count('data_segs_in', 'dataSegsIn'),
  {
    name: 'bbr',
    pattern: /^bbr:\((\S+)\)/,
    kind: 'exact',
    text: (_, { bbrBandwidth, bbrMinRttMicros = 0, bbrPacingGain, bbrCwndGain }) =>
      bbrBandwidth !== undefined &&
      [
        `bw:${(bbrBandwidth * 8).toFixed(0)}bps,mrtt:${general(bbrMinRttMicros / 1000)}`,
        ...(bbrPacingGain ? [`pacing_gain:${general(bbrPacingGain)}`] : []),
        ...(bbrCwndGain ? [`cwnd_gain:${general(bbrCwndGain)}`] : []),
      ].join(','),
  },
  {
    name: 'dctcp',
    pattern: /^dctcp:\((\S+)\)/,
    kind: 'exact',
    text: (_, { dctcpCeState, dctcpAlpha, dctcpAbEcn, dctcpAbTotal }) =>
      dctcpAlpha !== undefined &&
      `ce_state:${dctcpCeState},alpha:${dctcpAlpha},ab_ecn:${dctcpAbEcn},ab_tot:${dctcpAbTotal}`,
  },
  flag('dctcp:fallback_mode', 'dctcpFallback'),
  spaced('send', (_, { sndCwnd = 0, sndMss = 0, rttMicros = 0 }) =>
    rttMicros > 0 ? bits((sndCwnd * sndMss * 1_000_000) / rttMicros) : undefined,
  ),
  elapsed('lastsnd', /^lastsnd:(\d+)/, (_, { lastDataSentMs }) => lastDataSentMs),
  elapsed('lastrcv', /^lastrcv:(\d+)/, (_, { lastDataRecvMs }) => lastDataRecvMs),
  elapsed('lastack', /^lastack:(\d+)/, (_, { lastAckRecvMs }) => lastAckRecvMs),
  spaced('pacing_rate', (_, { pacingRate, maxPacingRate }) =>
    pacingRate ? `${bits(pacingRate)}${maxPacingRate ? `/${bits(maxPacingRate)}` : ''}` : undefined,
  ),
  spaced('delivery_rate', (_, { deliveryRate }) => bits(deliveryRate)),
  count('delivered', 'delivered'),
  count('delivered_ce', 'deliveredCe'),
  flag('app_limited', 'appLimited'),
  elapsed('busy', /^busy:(\d+)ms/, (_, { busyTimeMicros = 0 }) => Math.floor(busyTimeMicros / 1000)),
  // ss appends the share of the busy time, computed from both.
  elapsed('rwnd_limited', /^rwnd_limited:(\d+)ms\(\S+\)/, (_, { rwndLimitedMicros = 0 }) =>
    Math.floor(rwndLimitedMicros / 1000),
  ),
  elapsed('sndbuf_limited', /^sndbuf_limited:(\d+)ms\(\S+\)/, (_, { sndbufLimitedMicros = 0 }) =>
    Math.floor(sndbufLimitedMicros / 1000),
  ),
  count('unacked', 'unacked'),
  exact('retrans', '\\d+/\\d+', (_, { retrans = 0, totalRetrans = 0 }) =>
    retrans || totalRetrans ? `${retrans}/${totalRetrans}` : undefined,
  ),
  count('lost', 'lost'),
  exact('sacked', '\\d+', ({ state }, { sacked }) => isNoListener(state) && whole(sacked)),
  count('dsack_dups', 'dsackDups'),
  exact('reordering', '\\d+', (_, { reordering }) => reordering !== 3 && whole(reordering)),
  count('reord_seen', 'reordSeen'),
  exact('rcv_rtt', '\\S+', (_, { rcvRttMicros }) => millis(rcvRttMicros)),
  count('rcv_space', 'rcvSpace'),
  count('rcv_ssthresh', 'rcvSsthresh'),
  count('notsent', 'notsentBytes'),
  exact('minrtt', '\\S+', (_, { minRttMicros }) => minRttMicros !== 0xffffffff && millis(minRttMicros)),
  count('rcv_ooopack', 'rcvOooPack'),
  count('snd_wnd', 'sndWnd'),
  count('rcv_wnd', 'rcvWnd'),
  count('rehash', 'rehash'),
  // The congestion control is the only field without a name.
  {
    name: 'congestion',
    pattern: /^([a-z][a-z0-9_]*)(?= |$)/,
    kind: 'exact',
    text: ({ tcp }) => tcp?.['congestion'] as string,
  },
];

const ONLY_TCP = 'netpane shows details of TCP connections only';
const ONLY_DEBUGGING = 'useful only to debug the program of the socket';

/** Fields by protocol, in the order in which the parser tries them. */
export const FIELDS: Readonly<Record<string, readonly Field[]>> = {
  tcp: [...GENERAL, ...INET, ...TCP],
  udp: [...GENERAL, ...INET.map(({ name, pattern }) => unsupported(name, pattern, ONLY_TCP))],
  raw: [...GENERAL, ...INET.map(({ name, pattern }) => unsupported(name, pattern, ONLY_TCP))],
  packet: [
    ...GENERAL,
    unsupported('ver', /^ver:\d+/, ONLY_DEBUGGING),
    unsupported('cpy_thresh', /^cpy_thresh:\d+/, ONLY_DEBUGGING),
    unsupported('flags', /^flags\([^)]*\)/, ONLY_DEBUGGING),
  ],
  unix: [
    unsupported('shutdown', /^[<-]-[>-](?= |$)/, 'netpane does not show details of Unix sockets'),
    unsupported(
      'vfs',
      /^ino:\d+ dev:\d+\/\d+/,
      'the inode of the file differs from that of the socket, and netpane shows the path',
    ),
    unsupported('peers', /^peers:( \d+)*/, 'netpane shows the name of the peer'),
  ],
};

/** Mount point of the cgroup version 2 hierarchy. */
const cgroupRoot = /^cgroup2 (\S+) cgroup2 /m.exec(
  process.platform === 'linux' ? readFileSync('/proc/mounts', 'utf8') : '',
)?.[1];

const cgroupInodes = new Map<string, number>();
/** Paths of cgroups printed by ss, by inode, which is their id in the kernel. */
const cgroupPaths = new Map<number, string>();

/** Stores the id of a cgroup whose path ss has printed. */
export function addCgroup(path: string): void {
  if (cgroupInodes.has(path)) return;
  const number = path.startsWith('unreachable:')
    ? Number.parseInt(path.slice('unreachable:'.length), 16)
    : statSync(join(cgroupRoot ?? '/sys/fs/cgroup', path)).ino;
  cgroupInodes.set(path, number);
  cgroupPaths.set(number, path);
}

const cgroupPath = (id: number | undefined) => id !== undefined && (cgroupPaths.get(id) ?? `number ${id}`);

/** Names of the fields with a running time. */
export const elapsedFields = new Set(TCP.flatMap(({ name, kind }) => (kind === 'elapsed' ? [name] : [])));
