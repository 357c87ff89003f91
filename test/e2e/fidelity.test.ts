// `netpane ls --json` tells of every socket what ss(8) tells, field by field: on 10,000 of all kinds and states, in a
// network namespace of their own.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiagScene } from '../helpers/diag-scene.ts';
import {
  asSs,
  elapsedFields,
  hasSs,
  keysOf,
  type Listed,
  ssInet,
  ssPacket,
  ssRaw,
  type SsSocket,
  ssUnix,
  timerRange,
} from '../helpers/ss.ts';
import { runNetpane } from './netpane.ts';

const impossible = DiagScene.impossible() ?? (hasSs ? undefined : 'there is no ss');

/** What one of the programs said, and when it was asked. */
interface Asked<T> {
  said: T;
  fromMs: number;
  toMs: number;
}

async function asked<T>(ask: () => T | Promise<T>): Promise<Asked<T>> {
  const fromMs = Date.now();
  const said = await ask();
  return { said, fromMs, toMs: Date.now() };
}

/** ss, netpane and ss again. */
interface Sitting {
  before: Asked<Map<string, SsSocket>>;
  netpane: Asked<Map<string, Listed>>;
  after: Asked<Map<string, SsSocket>>;
}

async function sitting(
  scene: DiagScene,
  ask: (through: readonly string[]) => SsSocket[],
  args: string[] = [],
  through: readonly string[] = scene.through,
): Promise<Sitting> {
  const ss = () => asked(() => new Map(ask(scene.through).map((socket) => [socket.key, socket])));
  const before = await ss();
  const netpane = await asked(async () => {
    const listing = ['ls', '--json', '--source', 'sock_diag', '--netns', String(scene.netns), ...args];
    const { stdout, stderr, code } = await runNetpane(listing, { through: [...through] });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const listed = JSON.parse(stdout) as Listed[];
    return new Map(listed.flatMap((socket) => keysOf(socket).map((key) => [key, socket])));
  });
  return { before, netpane, after: await ss() };
}

/** When the timer of a socket runs out, as far as ss lets one know: milliseconds since 1970. */
function dueOf({ before, after }: Sitting, one: SsSocket, other: SsSocket) {
  const [first, last] = [one, other].map(({ fields }) => timerRange(fields.get('timer due') ?? ''));
  return {
    leastMs: Math.max(before.fromMs + (first?.minMs ?? 0), after.fromMs + (last?.minMs ?? 0)),
    mostMs: Math.min(before.toMs + (first?.maxMs ?? 0), after.toMs + (last?.maxMs ?? 0)),
  };
}

/** The sockets that ss tells of in the same words before and after, but for the times that run: both tellings. */
function resting(sitting: Sitting): [SsSocket, SsSocket][] {
  return [...sitting.before.said].flatMap(([key, one]): [SsSocket, SsSocket][] => {
    const other = sitting.after.said.get(key);
    if (other?.fields.size !== one.fields.size) return [];
    for (const [name, value] of one.fields) {
      if (!elapsedFields.has(name) && name !== 'timer due' && other.fields.get(name) !== value) return [];
    }
    // One that ran out meanwhile and was set anew runs out at another time.
    const { leastMs, mostMs } = dueOf(sitting, one, other);
    return one.fields.has('timer due') && leastMs > mostMs ? [] : [[one, other]];
  });
}

/** The first few of the differences in each field. */
function differences(sitting: Sitting): string[] {
  const { before, after } = sitting;
  const fields = [...before.said.values(), ...after.said.values()].map(({ fields }) => [...fields.keys()]);
  const byField = new Map<string, string[]>();
  for (const { name, text } of eachDifference(sitting, new Set(fields.flat()))) {
    byField.set(name, [...(byField.get(name) ?? []), text]);
  }
  return [...byField].flatMap(([name, texts]) => [`${texts.length} differ in ${name}`, ...texts.slice(0, 5)]);
}

/**
 * Every field in which netpane and ss differ.
 * @param printed names of the fields that this ss knows
 */
function eachDifference(sitting: Sitting, printed: ReadonlySet<string>) {
  const { netpane } = sitting;
  const found: { name: string; text: string }[] = [];
  for (const [one, other] of resting(sitting)) {
    const { key } = one;
    const listed = netpane.said.get(key);
    if (!listed) continue;
    const told = asSs(listed);
    const differ = (name: string, is: unknown, wanted: unknown) =>
      found.push({
        name,
        text: `${key} ${told.get('local')} ${told.get('state')}: ${name} is ${String(is)}, ss: ${String(wanted)}`,
      });
    for (const name of new Set([...told.keys(), ...one.fields.keys()])) {
      if (name === 'timer due' || name === 'device') continue;
      const [is = '', wanted = ''] = [told.get(name), one.fields.get(name)];
      if (elapsedFields.has(name)) {
        const then = other.fields.get(name) ?? '0';
        const isBetween = Number(is) >= Number(wanted) && Number(is) <= Number(then);
        if (!isBetween) differ(name, is, `${wanted} and then ${then}`);
      } else if (is !== wanted && printed.has(name)) differ(name, is || 'not told', wanted || 'not printed');
    }
    const device = one.fields.get('device');
    if (device && listed.interface !== device) differ('interface', listed.interface, device);
    const isLocalLink = /^fe80:/.test(listed.local.address);
    if (device && isLocalLink && !listed.local.address.endsWith(`%${device}`))
      differ('scope', listed.local.address, device);
    if (listed.timer && one.fields.has('timer due')) {
      // netpane's clock is read once, at its start; ss says how long it is from each answer of the kernel's on.
      const { leastMs, mostMs } = dueOf(sitting, one, other);
      const least = leastMs - (netpane.toMs - netpane.fromMs);
      const most = mostMs + (netpane.toMs - netpane.fromMs);
      if (listed.timer.dueAtMs < least || listed.timer.dueAtMs > most)
        differ('timer due', listed.timer.dueAtMs, `${least} to ${most}`);
    }
    const holders = listed.owners.filter(({ knowledge }) => knowledge === 'exact');
    const is = holders.map(({ pid, process }) => `${pid} ${process}`).sort();
    const wanted = [...one.users].map(([pid, name]) => `${pid} ${name}`).sort();
    if (is.join() !== wanted.join()) differ('users', is, wanted);
    // What stands beside the details says the same as they do.
    const { tcp = {}, state } = listed;
    if (state !== 'LISTEN' && tcp['sndCwnd'] !== undefined) {
      for (const [flat, detail] of [
        ['cwnd', 'sndCwnd'],
        ['retransmits', 'totalRetrans'],
        ['rxSegments', 'segsIn'],
        ['txSegments', 'segsOut'],
        ['rttMicros', 'rttMicros'],
        ['deliveryRate', 'deliveryRate'],
      ] as const) {
        if ((listed[flat] ?? 0) !== tcp[detail]) differ(flat, listed[flat], tcp[detail]);
      }
    }
  }
  return found;
}

/** At least so much of all sockets has to be at rest. */
const MOST = 0.99;

/**
 * Sits until nearly all sockets were at rest at once and, in one sitting or another, some of every state: those of a
 * full window are probed all the time, and TIME_WAIT does not last.
 */
async function* sittings(sit: () => Promise<Sitting>, states: readonly string[]): AsyncGenerator<Sitting> {
  const missing = new Set<string | undefined>(states);
  let isCalm = false;
  for (let tries = 0; tries < 20; tries++) {
    const one = await sit();
    const calm = resting(one);
    for (const [{ fields }] of calm) missing.delete(fields.get('state'));
    isCalm ||= calm.length >= MOST * one.before.said.size;
    yield one;
    if (isCalm && missing.size === 0) return;
  }
  throw new Error(`the sockets do not come to rest: ${[...missing].join() || 'too many change'}`);
}

const STATES = [
  'LISTEN',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE_WAIT',
  'LAST_ACK',
  'CLOSING',
  'TIME_WAIT',
];

const why = impossible === undefined ? '' : ` (skipped: ${impossible})`;

describe.skipIf(impossible !== undefined)(`the same as ss says${why}`, () => {
  let scene: DiagScene;
  beforeAll(async () => {
    scene = await DiagScene.start(5_000);
  });
  afterAll(() => scene.close());

  /** Sockets that ss tells of before and after and netpane does not, and those that only netpane knows. */
  function strangers({ before, netpane, after }: Sitting, protocols: readonly string[]) {
    const sockets = new Set(netpane.said.values());
    const own = [...sockets].filter(({ protocol }) => protocols.includes(protocol));
    const isApart = ({ protocol, local }: Listed) =>
      scene.info.notInSs.some((it) => it.protocol === protocol && it.port === local.port);
    return {
      missing: [...before.said.keys()].filter((key) => after.said.has(key) && !netpane.said.has(key)),
      invented: own
        .filter((socket) => !keysOf(socket).some((key) => before.said.has(key) || after.said.has(key)))
        .filter((socket) => !isApart(socket))
        .map((socket) => JSON.stringify(socket)),
    };
  }

  test('the scene has sockets of every kind', ({ skip }) => {
    const { skipped } = scene.info;
    skip(skipped.length > 0, `what cannot be made here is not looked at: ${skipped.join(', ')}`);
    expect(scene.info.pids).toHaveLength(4);
  });

  test('every field of 10,000 TCP and UDP sockets in every state', { timeout: 180_000 }, async () => {
    for await (const one of sittings(() => sitting(scene, ssInet), STATES)) {
      expect(one.before.said.size).toBeGreaterThanOrEqual(10_000);
      expect(strangers(one, ['tcp', 'udp', 'udplite', 'icmp'])).toEqual({ missing: [], invented: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('from another namespace, with the name of the one that they are in', async () => {
    for await (const one of sittings(() => sitting(scene, ssInet, [], []), [])) {
      expect(strangers(one, ['tcp', 'udp', 'udplite', 'icmp'])).toEqual({ missing: [], invented: [] });
      expect(differences(one)).toEqual([]);
      const inodes = new Set([...one.netpane.said.values()].map(({ netns }) => netns?.inode));
      expect([...inodes]).toEqual([scene.netns]);
    }
  });

  test('raw sockets', async () => {
    for await (const one of sittings(() => sitting(scene, ssRaw), [])) {
      expect(one.before.said.size).toBeGreaterThanOrEqual(4);
      expect(strangers(one, ['raw'])).toEqual({ missing: [], invented: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('packet sockets', async () => {
    for await (const one of sittings(() => sitting(scene, ssPacket), [])) {
      expect(one.before.said.size).toBe(3);
      expect(strangers(one, ['packet'])).toEqual({ missing: [], invented: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('Unix sockets, when asked for', async () => {
    for await (const one of sittings(() => sitting(scene, ssUnix, ['--also', 'unix']), [])) {
      expect(one.before.said.size).toBeGreaterThanOrEqual(13);
      expect(strangers(one, ['unix'])).toEqual({ missing: [], invented: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('what ss does not show: UDP-Lite, ping, and bound TCP sockets, as /proc/net has them', async () => {
    const { stdout } = await runNetpane(['ls', '--json', '--netns', String(scene.netns)]);
    const listed = JSON.parse(stdout) as Listed[];
    for (const { protocol, port } of scene.info.notInSs) {
      const found = listed.filter((it) => it.protocol === protocol && it.local.port === port);
      expect(found.map(({ owners }) => owners[0]?.pid)).toEqual([scene.info.pids[0]]);
      const file = { udplite: ['udplite', 'udplite6'], icmp: ['icmp'], tcp: [] }[protocol] ?? [];
      const lines = file
        .map((name) => readFileSync(`/proc/${scene.info.pids[0]}/net/${name}`, 'utf8'))
        .join('');
      if (file.length > 0) expect(lines).toContain(` ${found[0]?.inode} `);
    }
  });
});
