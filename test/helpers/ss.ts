// Parses the output of ss(8) of iproute2, and formats a socket of `netpane ls --json` as ss would. Each field of ss is
// defined once here; names and formats are those of misc/ss.c.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface ListedEndpoint {
  address: string;
  port: number;
  protocol?: string;
}

/** A socket of `netpane ls --json`. */
export interface Listed {
  id: string;
  protocol: string;
  family: string;
  local: ListedEndpoint;
  remote: ListedEndpoint | null;
  state?: string;
  inode?: number;
  uid?: number;
  user?: string;
  interface?: string;
  netns?: { inode: number; name?: string };
  rxBytes?: number;
  txBytes?: number;
  rxSegments?: number;
  txSegments?: number;
  rttMicros?: number;
  rttVarMicros?: number;
  retransmits?: number;
  cwnd?: number;
  deliveryRate?: number;
  recvQueue?: number;
  sendQueue?: number;
  lastSentAtMs?: number;
  lastReceivedAtMs?: number;
  timer?: { kind: string; dueAtMs: number; retransmits: number };
  tcp?: Record<string, number | string | boolean>;
  owners: { pid?: number; process?: string; knowledge: string }[];
}

/** A parsed line of ss. */
export interface SsSocket {
  /** Identifies the socket in ss and in netpane: its cookie, inode or endpoints. */
  key: string;
  protocol: string;
  /** Text of each field by name, as ss prints it. */
  fields: Map<string, string>;
  /** Process names by pid. */
  users: Map<number, string>;
}

export const hasSs = spawnSync('ss', ['-V']).status === 0;

const run = (through: readonly string[], options: string): string[] => {
  const [command, ...args] = [...through, 'ss', options];
  const { stdout, status, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`ss ${options}: ${stderr}`);
  return stdout.split('\n').filter((line) => line.trim() !== '');
};

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
const FIELDS: Readonly<Record<string, readonly Field[]>> = {
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
function addCgroup(path: string): void {
  if (cgroupInodes.has(path)) return;
  const number = path.startsWith('unreachable:')
    ? Number.parseInt(path.slice('unreachable:'.length), 16)
    : statSync(join(cgroupRoot ?? '/sys/fs/cgroup', path)).ino;
  cgroupInodes.set(path, number);
  cgroupPaths.set(number, path);
}

const cgroupPath = (id: number | undefined) => id !== undefined && (cgroupPaths.get(id) ?? `number ${id}`);

const STATES: Readonly<Record<string, string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT1',
  'FIN-WAIT-2': 'FIN_WAIT2',
  'TIME-WAIT': 'TIME_WAIT',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
};

const stateOf = (text: string) => (text === 'UNCONN' ? '' : (STATES[text] ?? text));

/** Parses `address%device:port`, `[v6]:port` or `*:port`. */
function endOf(text: string): { address: string; device: string; port: string; isIpv6: boolean } {
  const [, whole = '', port = ''] = /^(.*):(\d+|\*)$/.exec(text) ?? [];
  const [, bare = '', device = ''] = /^\[?([^\]%]*)\]?(?:%(.*))?$/.exec(whole) ?? [];
  return { address: bare === '*' ? '::' : bare, device, port, isIpv6: whole.startsWith('[') || bare === '*' };
}

interface End {
  address: string;
  port: string;
}
const endText = ({ address, port }: End) => `${address} ${port}`;
const isAny = ({ address, port }: End) => port === '*' && /^(0\.0\.0\.0|::|)$/.test(address);

/** Returns the range that a timer text means: `4.960ms` is 4,960 milliseconds, `59sec` anything below 60 seconds. */
export function timerRange(text: string): { minMs: number; maxMs: number } {
  const [, minutes = '', seconds = '', fraction = '', millis = ''] =
    /^(?:(\d+)min)?(?:(\d+)(?:sec|\.(\d{3})ms))?(?:(\d{3})ms)?$/.exec(text) ?? [];
  const minMs = Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(fraction || millis);
  const isExact = minutes === '' && Number(seconds) <= 9;
  return { minMs, maxMs: minMs + (isExact ? 0 : Number(minutes) > 9 ? 59_999 : 999) };
}

/** Parses the fields after the columns. Throws at an unknown field. */
function parseFields(
  line: string,
  rest: string,
  protocol: string,
  fields: SsSocket['fields'],
  users: SsSocket['users'],
) {
  let left = rest.trimStart();
  while (left !== '') {
    const [processes] = /^users:\(\(.*?\)\)(?= |$)/.exec(left) ?? [];
    const [timer, kind, due, retransmits] = /^timer:\((\w+),([^,]*),(\d+)\)/.exec(left) ?? [];
    let length = processes?.length ?? timer?.length ?? 0;
    for (const [, name = '', pid] of (processes ?? '').matchAll(
      /\("((?:[^"\\]|\\.)*)",pid=(\d+),fd=\d+\)/g,
    )) {
      users.set(Number(pid), name);
    }
    if (timer !== undefined) {
      fields.set('timer', `${kind} ${retransmits}`).set('timer due', due ?? '');
    } else if (processes === undefined) {
      for (const { name, pattern, kind } of FIELDS[protocol] ?? []) {
        const match = pattern.exec(left);
        if (!match) continue;
        length = match[0].length;
        if (kind !== 'unsupported') fields.set(name, match[1] ?? '');
        if (name === 'cgroup') addCgroup(match[1] ?? '');
        break;
      }
    }
    if (length === 0) throw new Error(`unknown field of ss: ${left}\nin ${line}`);
    left = left.slice(length).trimStart();
  }
}

/** Numbers of the protocols of raw and packet sockets, as ss prints them with -n. */
const NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  icmp6: 58,
  ospf: 89,
  pim: 103,
  all: 3,
  ip: 0x0800,
};

/** Returns the text after the colon of an endpoint in ss. */
const portOf = ({ port, protocol }: ListedEndpoint): string => {
  if (protocol !== undefined) return String(NUMBERS[protocol] ?? Number(protocol));
  return port === 0 ? '*' : String(port);
};

const columns = (family: string, state: string, recvQueue: string, sendQueue: string) =>
  new Map([
    ['family', family],
    ['state', stateOf(state)],
    ['recvQueue', recvQueue],
    ['sendQueue', sendQueue],
  ]);

function inetSocket(line: string, protocol: string, words: string): SsSocket {
  const [, state = '', recvQueue = '', sendQueue = '', local = '', remote = '', rest = ''] =
    /^(\S+) +(\d+) +(\d+) +(\S+) +(\S+)(.*)$/.exec(words) ?? [];
  const [localEnd, remoteEnd] = [endOf(local), endOf(remote)];
  const family = localEnd.isIpv6 ? 'ipv6' : 'ipv4';
  const fields = columns(family, state, recvQueue, sendQueue);
  fields
    .set('local', endText(localEnd))
    .set('remote', isAny(remoteEnd) ? '' : endText(remoteEnd))
    .set('device', localEnd.device);
  const users: SsSocket['users'] = new Map();
  parseFields(line, rest, protocol, fields, users);
  const cookie = fields.get('sk');
  // Without raw_diag in the kernel, ss reads /proc/net/raw, which has no cookies.
  return {
    key: cookie === undefined ? rawKey(protocol, family, localEnd, remoteEnd) : `sk:${cookie}`,
    protocol,
    fields,
    users,
  };
}

const rawKey = (protocol: string, family: string, localEnd: End, remoteEnd: End) =>
  `${protocol} ${family} ${endText(localEnd)} ${isAny(remoteEnd) ? '' : remoteEnd.address}`;

/** Returns TCP and UDP sockets: `ss -tunapiOHe`. */
export const ssInet = (through: readonly string[]): SsSocket[] =>
  run(through, '-tunapiOHe').map((line) =>
    inetSocket(line, line.startsWith('udp') ? 'udp' : 'tcp', line.slice(line.indexOf(' ') + 1).trimStart()),
  );

/** Returns raw sockets: `ss -wnapOHe`. */
export const ssRaw = (through: readonly string[]): SsSocket[] =>
  run(through, '-wnapOHe').map((line) => inetSocket(line, 'raw', line));

/** Returns packet sockets: `ss -0napOHe`. */
export const ssPacket = (through: readonly string[]): SsSocket[] =>
  run(through, '-0napOHe').map((line) => {
    const [, state = '', recvQueue = '', sendQueue = '', local = '', rest = ''] =
      /^\S+ +(\S+) +(\d+) +(\d+) +(\S+) +\*(.*)$/.exec(line) ?? [];
    const [, ether = '', device = ''] = /^\[?([^\]]*)\]?:(.*)$/.exec(local) ?? [];
    const fields = columns('packet', state, recvQueue, sendQueue);
    fields.set('local', `${device} ${ether === '*' ? '3' : ether}`).set('remote', '');
    const users: SsSocket['users'] = new Map();
    parseFields(line, rest, 'packet', fields, users);
    return { key: `sk:${fields.get('sk')}`, protocol: 'packet', fields, users };
  });

/** Returns Unix sockets: `ss -xapOHe`. Names with spaces are not supported. */
export const ssUnix = (through: readonly string[]): SsSocket[] => {
  const lines = run(through, '-xapOHe').map((line) => {
    const [, state = '', recvQueue = '', sendQueue = '', name = '', inode = '', peer = '', rest = ''] =
      /^\S+ +(\S+) +(\d+) +(\d+) +(\S+) +(\d+) +\* +(\d+)(.*)$/.exec(line) ?? [];
    return { line, state, recvQueue, sendQueue, name: name === '*' ? '' : name, inode, peer, rest };
  });
  const names = new Map(lines.map(({ inode, name }) => [inode, name]));
  return lines.map(({ line, state, recvQueue, sendQueue, name, inode, peer, rest }) => {
    const fields = columns('unix', state, recvQueue, sendQueue);
    fields
      .set('local', `${name} 0`)
      .set('remote', peer === '0' ? '' : `${names.get(peer) ?? ''} 0`)
      .set('ino', inode);
    const users: SsSocket['users'] = new Map();
    parseFields(line, rest, 'unix', fields, users);
    return { key: `ino:${inode}`, protocol: 'unix', fields, users };
  });
};

/** Returns the possible keys of a socket of netpane in the output of ss. */
export function keysOf({ id, protocol, family, local, remote, inode }: Listed): string[] {
  if (protocol === 'unix') return [`ino:${inode}`];
  if (protocol !== 'raw') return [id];
  const ends = [local, remote ?? { address: '', port: 0 }].map((it) => ({
    address: it.address,
    port: portOf(it),
  }));
  return [
    id,
    rawKey(protocol, family, ends[0] ?? { address: '', port: '' }, ends[1] ?? { address: '', port: '' }),
  ];
}

/** Returns the fields that ss would print for a socket of netpane. */
export function asSs(socket: Listed): Map<string, string> {
  const { protocol, family, state = '', local, remote, recvQueue = '', sendQueue = '', timer } = socket;
  const bare = (address: string) => address.replace(/%.*/, '');
  const end = (it: ListedEndpoint) =>
    endText({ address: bare(it.address), port: protocol === 'unix' ? '0' : portOf(it) });
  const fields = new Map<string, string>([
    ['family', family],
    ['state', state],
    ['recvQueue', String(recvQueue)],
    ['sendQueue', String(sendQueue)],
    ['local', end(local)],
    ['remote', remote ? end(remote) : ''],
    ['timer', timer ? `${timer.kind} ${timer.retransmits}` : ''],
  ]);
  for (const { name, kind, text } of FIELDS[protocol] ?? []) {
    const value =
      kind === 'unsupported' ? undefined : text?.(socket, (socket.tcp ?? {}) as Record<string, number>);
    if (value !== undefined && value !== false) fields.set(name, String(value));
  }
  if (protocol === 'unix') fields.set('ino', String(socket.inode));
  return fields;
}

/** Names of the fields with a running time. */
export const elapsedFields = new Set(TCP.flatMap(({ name, kind }) => (kind === 'elapsed' ? [name] : [])));
