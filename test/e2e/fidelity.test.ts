// Compares `netpane ls --json` with ss(8), field by field, on 10,000 sockets of every kind and state in a new network
// namespace.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiagScene } from '../helpers/diag-scene.ts';
import type { Listed } from '../helpers/listed.ts';
import { asSs, hasSs, keysOf, runSs, SS, type SsKind, type SsSocket, timerRange } from '../helpers/ss.ts';
import { elapsedFields } from '../helpers/ss-fields.ts';
import { runNetpane } from './netpane.ts';

const impossible = DiagScene.impossible() ?? (hasSs ? undefined : 'there is no ss');

/** The result of a program, and when it ran. */
interface Timed<T> {
  result: T;
  fromMs: number;
  toMs: number;
}

async function timed<T>(run: () => T | Promise<T>): Promise<Timed<T>> {
  const fromMs = Date.now();
  const result = await run();
  return { result, fromMs, toMs: Date.now() };
}

/** The sockets of ss, of netpane, and of ss again. */
interface Comparison {
  before: Timed<Map<string, SsSocket>>;
  netpane: Timed<Map<string, Listed>>;
  after: Timed<Map<string, SsSocket>>;
}

const KINDS = Object.keys(SS) as SsKind[];

/** The sockets of ss, by kind. */
type AllKinds = Record<SsKind, Comparison['before']>;

/** All kinds of sockets by ss, by netpane, and by ss again. */
interface Lists {
  before: AllKinds;
  /** The sockets of netpane by their keys in the output of ss. */
  netpane: Comparison['netpane'];
  /** The sockets of netpane as listed: several may have the same key. */
  listed: Listed[];
  after: AllKinds;
}

/** @param through runs netpane inside the namespace; empty if it runs outside */
async function takeLists(scene: DiagScene, through: readonly string[]): Promise<Lists> {
  const run = async (kind: SsKind) =>
    [kind, await timed(() => runSs(scene.through, SS[kind].options))] as const;
  const ss = () => Promise.all(KINDS.map(run));
  const args = ['ls', '--json', '--also', 'unix', '--source', 'sock_diag', '--netns', String(scene.netns)];
  const before = await ss();
  const outcome = await timed(() => runNetpane(args, { through: [...through] }));
  const after = await ss();
  // Parsed only now: sockets change meanwhile.
  const parsed = (outputs: typeof before) => {
    const entries = outputs.map(([kind, { result, ...times }]) => {
      const sockets = SS[kind].parse(result).map((socket) => [socket.key, socket] as const);
      return [kind, { ...times, result: new Map(sockets) }];
    });
    return Object.fromEntries(entries) as AllKinds;
  };
  const { stdout, stderr, code } = outcome.result;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const listed = JSON.parse(stdout) as Listed[];
  const byKey = new Map(listed.flatMap((it) => keysOf(it).map((key) => [key, it] as const)));
  return {
    before: parsed(before),
    netpane: { ...outcome, result: byKey },
    listed,
    after: parsed(after),
  };
}

/** Returns the range in which the timer of a socket expires by both outputs of ss, milliseconds since 1970. */
function dueOf({ before, after }: Comparison, one: SsSocket, other: SsSocket) {
  const [first, last] = [one, other].map(({ fields }) => timerRange(fields.get('timer due') ?? ''));
  return {
    leastMs: Math.max(before.fromMs + (first?.minMs ?? 0), after.fromMs + (last?.minMs ?? 0)),
    mostMs: Math.min(before.toMs + (first?.maxMs ?? 0), after.toMs + (last?.maxMs ?? 0)),
  };
}

/** Returns both outputs of ss for each socket of which they differ only in elapsed times. */
function unchanged(comparison: Comparison): [SsSocket, SsSocket][] {
  return [...comparison.before.result].flatMap(([key, one]): [SsSocket, SsSocket][] => {
    const other = comparison.after.result.get(key);
    if (other?.fields.size !== one.fields.size) return [];
    for (const [name, value] of one.fields) {
      if (!elapsedFields.has(name) && name !== 'timer due' && other.fields.get(name) !== value) return [];
    }
    // A timer that expired in between and was set again expires at another time.
    const { leastMs, mostMs } = dueOf(comparison, one, other);
    return one.fields.has('timer due') && leastMs > mostMs ? [] : [[one, other]];
  });
}

/** Returns the first five differences of each field. */
function differences(comparison: Comparison): string[] {
  const { before, after } = comparison;
  const printed = new Set<string>();
  for (const sockets of [before.result, after.result])
    for (const { fields } of sockets.values()) for (const name of fields.keys()) printed.add(name);
  const byField = new Map<string, string[]>();
  for (const { name, text } of eachDifference(comparison, printed)) {
    byField.set(name, [...(byField.get(name) ?? []), text]);
  }
  return [...byField].flatMap(([name, texts]) => [`${texts.length} differ in ${name}`, ...texts.slice(0, 5)]);
}

/**
 * Returns every field in which netpane and ss differ.
 * @param printed names of the fields that this version of ss prints
 */
function eachDifference(comparison: Comparison, printed: ReadonlySet<string>) {
  const { netpane } = comparison;
  const found: { name: string; text: string }[] = [];
  for (const [one, other] of unchanged(comparison)) {
    const { key } = one;
    const listed = netpane.result.get(key);
    if (!listed) continue;
    const fields = asSs(listed);
    const differ = (name: string, is: unknown, wanted: unknown) =>
      found.push({
        name,
        text: `${key} ${fields.get('local')} ${fields.get('state')}: ${name} is ${String(is)}, ss: ${String(wanted)}`,
      });
    for (const name of new Set([...fields.keys(), ...one.fields.keys()])) {
      if (name === 'timer due' || name === 'device') continue;
      const [is = '', wanted = ''] = [fields.get(name), one.fields.get(name)];
      if (elapsedFields.has(name)) {
        const then = other.fields.get(name) ?? '0';
        const isBetween = Number(is) >= Number(wanted) && Number(is) <= Number(then);
        if (!isBetween) differ(name, is, `${wanted} and then ${then}`);
      } else if (is !== wanted && printed.has(name)) differ(name, is || 'missing', wanted || 'not printed');
    }
    const device = one.fields.get('device');
    if (device && listed.interface !== device) differ('interface', listed.interface, device);
    const isLocalLink = /^fe80:/.test(listed.local.address);
    if (device && isLocalLink && !listed.local.address.endsWith(`%${device}`))
      differ('scope', listed.local.address, device);
    if (listed.timer && one.fields.has('timer due')) {
      // netpane adds the rest of the timer to the time at which its poll began; ss prints the rest itself.
      const { leastMs, mostMs } = dueOf(comparison, one, other);
      const least = leastMs - (netpane.toMs - netpane.fromMs);
      const most = mostMs + (netpane.toMs - netpane.fromMs);
      if (listed.timer.dueAtMs < least || listed.timer.dueAtMs > most)
        differ('timer due', listed.timer.dueAtMs, `${least} to ${most}`);
    }
    const holders = listed.owners.filter(({ knowledge }) => knowledge === 'exact');
    const is = holders.map(({ pid, process }) => `${pid} ${process}`).sort();
    const wanted = [...one.users].map(([pid, name]) => `${pid} ${name}`).sort();
    if (is.join() !== wanted.join()) differ('users', is, wanted);
    // The top-level fields agree with the details.
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

/** Least share of sockets that must be unchanged. */
const MIN_UNCHANGED = 0.99;

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

describe.skipIf(impossible !== undefined)(`netpane ls --json, compared with ss${why}`, () => {
  let scene: DiagScene;
  /** Taken from inside and from outside of the namespace. The tests share them, and take more if they need them. */
  const lists = { inside: [] as Promise<Lists>[], outside: [] as Promise<Lists>[] };
  beforeAll(async () => {
    scene = await DiagScene.start(5_000);
  });
  afterAll(() => scene.close());

  /** Returns lists. The first test that needs them takes them, for all. */
  const listsOf = (from: keyof typeof lists, index: number): Promise<Lists> =>
    (lists[from][index] ??= takeLists(scene, from === 'inside' ? scene.through : []));

  /**
   * Compares sockets of a kind in more and more lists until nearly all were unchanged in one of them, and every state of `states`
   * had an unchanged socket in some. Some sockets change often: the kernel probes a full window, and TIME_WAIT expires.
   */
  async function* comparisons(
    kind: SsKind,
    { from = 'inside', states = [] }: { from?: keyof typeof lists; states?: readonly string[] } = {},
  ): AsyncGenerator<Comparison> {
    const missing = new Set<string | undefined>(states);
    let hasEnough = false;
    for (let i = 0; i < 20; i++) {
      const { before, netpane, after } = await listsOf(from, i);
      const one = { before: before[kind], netpane, after: after[kind] };
      const same = unchanged(one);
      for (const [{ fields }] of same) missing.delete(fields.get('state'));
      hasEnough ||= same.length >= MIN_UNCHANGED * one.before.result.size;
      yield one;
      if (hasEnough && missing.size === 0) return;
    }
    throw new Error(`the sockets keep changing: ${[...missing].join() || 'too many of them'}`);
  }

  /** Returns the sockets that only ss lists, before and after, and those that only netpane lists. */
  function onlyInOne({ before, netpane, after }: Comparison, protocols: readonly string[]) {
    const sockets = new Set(netpane.result.values());
    const own = [...sockets].filter(({ protocol }) => protocols.includes(protocol));
    const isNotInSs = ({ protocol, local }: Listed) =>
      scene.info.notInSs.some((it) => it.protocol === protocol && it.port === local.port);
    return {
      missing: [...before.result.keys()].filter((key) => after.result.has(key) && !netpane.result.has(key)),
      extra: own
        .filter((socket) => !keysOf(socket).some((key) => before.result.has(key) || after.result.has(key)))
        .filter((socket) => !isNotInSs(socket))
        .map((socket) => JSON.stringify(socket)),
    };
  }

  test('has a scene with sockets of every kind', ({ skip }) => {
    const { skipped } = scene.info;
    skip(skipped.length > 0, `not compared, because this machine cannot open them: ${skipped.join(', ')}`);
    expect(scene.info.pids).toHaveLength(4);
  });

  // First, because it takes time: the kernel probes a full window ever less often, so the next test needs fewer lists.
  test(
    'has the fields of 10,000 sockets of another namespace, and its inode',
    { timeout: 180_000 },
    async () => {
      for await (const one of comparisons('inet', { from: 'outside' })) {
        expect(onlyInOne(one, ['tcp', 'udp', 'udplite', 'icmp'])).toEqual({ missing: [], extra: [] });
        expect(differences(one)).toEqual([]);
        const inodes = new Set([...one.netpane.result.values()].map(({ netns }) => netns?.inode));
        expect([...inodes]).toEqual([scene.netns]);
      }
    },
  );

  test('has every field of 10,000 TCP and UDP sockets in every state', { timeout: 180_000 }, async () => {
    for await (const one of comparisons('inet', { states: STATES })) {
      expect(one.before.result.size).toBeGreaterThanOrEqual(10_000);
      expect(onlyInOne(one, ['tcp', 'udp', 'udplite', 'icmp'])).toEqual({ missing: [], extra: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('has every field of raw sockets', async () => {
    for await (const one of comparisons('raw')) {
      expect(one.before.result.size).toBeGreaterThanOrEqual(4);
      expect(onlyInOne(one, ['raw'])).toEqual({ missing: [], extra: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('has every field of packet sockets', async () => {
    for await (const one of comparisons('packet')) {
      expect(one.before.result.size).toBe(3);
      expect(onlyInOne(one, ['packet'])).toEqual({ missing: [], extra: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('has every field of Unix sockets with --also unix', async () => {
    for await (const one of comparisons('unix')) {
      expect(one.before.result.size).toBeGreaterThanOrEqual(13);
      expect(onlyInOne(one, ['unix'])).toEqual({ missing: [], extra: [] });
      expect(differences(one)).toEqual([]);
    }
  });

  test('has UDP-Lite, ping and bound TCP sockets, which ss does not show, as in /proc/net', async () => {
    const { listed } = await listsOf('inside', 0);
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
