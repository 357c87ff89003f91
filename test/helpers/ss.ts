// Parses the output of ss(8) of iproute2, and formats a socket of `netpane ls --json` as ss would.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Listed, ListedEndpoint } from './listed.ts';
import { addCgroup, FIELDS } from './ss-fields.ts';

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

/** Runs ss with options, for its parser below. Returns its output; rejects if ss fails. */
export async function runSs(through: readonly string[], options: string): Promise<string> {
  const [command, ...args] = [...through, 'ss', options];
  return (await promisify(execFile)(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })).stdout;
}

const linesOf = (output: string): string[] => output.split('\n').filter((line) => line.trim() !== '');

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

const FIELDS_BY_NAME = new Map(
  Object.entries(FIELDS).map(([protocol, fields]) => [
    protocol,
    new Map(fields.map((field) => [field.name, field])),
  ]),
);

/**
 * Returns the field with which a text begins. Nearly all begin with their name: to try all patterns on each field of
 * 10,000 sockets would take ten times as long.
 */
function fieldAt(text: string, protocol: string) {
  const [name = ''] = /^\w+/.exec(text) ?? [];
  const named = FIELDS_BY_NAME.get(protocol)?.get(name);
  const match = named?.pattern.exec(text);
  if (named && match) return { field: named, match };
  for (const field of FIELDS[protocol] ?? []) {
    const found = field.pattern.exec(text);
    if (found) return { field, match: found };
  }
  return undefined;
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
    let length = 0;
    if (left.startsWith('users:')) {
      const [processes = ''] = /^users:\(\(.*?\)\)(?= |$)/.exec(left) ?? [];
      length = processes.length;
      for (const [, name = '', pid] of processes.matchAll(/\("((?:[^"\\]|\\.)*)",pid=(\d+),fd=\d+\)/g))
        users.set(Number(pid), name);
    } else if (left.startsWith('timer:')) {
      const [timer = '', kind, due = '', retransmits] = /^timer:\((\w+),([^,]*),(\d+)\)/.exec(left) ?? [];
      length = timer.length;
      fields.set('timer', `${kind} ${retransmits}`).set('timer due', due);
    } else {
      const { field, match } = fieldAt(left, protocol) ?? {};
      length = match?.[0].length ?? 0;
      if (field && field.kind !== 'unsupported') fields.set(field.name, match?.[1] ?? '');
      if (field?.name === 'cgroup') addCgroup(match?.[1] ?? '');
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

function packetSocket(line: string): SsSocket {
  const [, state = '', recvQueue = '', sendQueue = '', local = '', rest = ''] =
    /^\S+ +(\S+) +(\d+) +(\d+) +(\S+) +\*(.*)$/.exec(line) ?? [];
  const [, ether = '', device = ''] = /^\[?([^\]]*)\]?:(.*)$/.exec(local) ?? [];
  const fields = columns('packet', state, recvQueue, sendQueue);
  fields.set('local', `${device} ${ether === '*' ? '3' : ether}`).set('remote', '');
  const users: SsSocket['users'] = new Map();
  parseFields(line, rest, 'packet', fields, users);
  return { key: `sk:${fields.get('sk')}`, protocol: 'packet', fields, users };
}

/** Names with spaces are not supported. */
function unixSockets(output: string): SsSocket[] {
  const lines = linesOf(output).map((line) => {
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
}

/** Kinds of sockets: the options by which ss prints them, and the parser of its output. */
export const SS = {
  inet: {
    options: '-tunapiOHe',
    parse: (output: string) =>
      linesOf(output).map((line) =>
        inetSocket(
          line,
          line.startsWith('udp') ? 'udp' : 'tcp',
          line.slice(line.indexOf(' ') + 1).trimStart(),
        ),
      ),
  },
  raw: {
    options: '-wnapOHe',
    parse: (output: string) => linesOf(output).map((line) => inetSocket(line, 'raw', line)),
  },
  packet: { options: '-0napOHe', parse: (output: string) => linesOf(output).map(packetSocket) },
  unix: { options: '-xapOHe', parse: unixSockets },
};
export type SsKind = keyof typeof SS;

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
