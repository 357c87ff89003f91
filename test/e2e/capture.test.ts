// What happens between two looks: every connection is told, however short, with all that is known of it; and what could
// not be told is counted.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { findTracefs } from '../../src/source/linux/trace/tracefs.ts';
import { eventually } from '../helpers/herd.ts';
import type { KeyName, Terminal } from '../helpers/terminal.ts';
import { type Done, noNetwork, type Server, Stage, type Told, type Watcher } from './brief.ts';
import {
  faults,
  hasNetlink,
  isRoot,
  newHome,
  type Start,
  startNetpane,
  tableRows,
  ticksByHand,
} from './netpane.ts';

const MANY = 1000;
/** So many bytes go one way and the other; see brief.mjs. */
const [QUESTION, ANSWER] = [5, 3];

const every = (interval: string, ...args: string[]) => ({ args: ['--interval', interval, ...args] });
/** Longer than any of these tests: the first look is the only one. */
const ONCE = every('60m');

/**
 * What is told of the sockets at these ports, for each mention of them one socket: the kernel may give ports again as soon
 * as they are free.
 */
function livesAt(watcher: Watcher, places: readonly string[]): Told[][] {
  const told = watcher.bySocket();
  const mentions = new Map<string, number>();
  for (const place of places) mentions.set(place, (mentions.get(place) ?? 0) + 1);
  const met = new Map<string, number>();
  return places.map((place) => {
    const events = told.get(place) ?? [];
    const ids = [...new Set(events.map(({ socket }) => socket.id))];
    const nth = met.get(place) ?? 0;
    met.set(place, nth + 1);
    // Where there are more, or fewer, that is to be seen.
    return ids.length === mentions.get(place)
      ? events.filter(({ socket }) => socket.id === ids[nth])
      : events;
  });
}

/** What is told of both ends of each connection that a program made. */
const endsOf = (watcher: Watcher, { port }: Pick<Server, 'port'>, { ports }: Pick<Done, 'ports'>) => ({
  near: livesAt(
    watcher,
    ports.map((own) => `${own}→${port}`),
  ),
  far: livesAt(
    watcher,
    ports.map((peer) => `${port}→${peer}`),
  ),
});

/** A value as the name of its count. */
const asText = (what: unknown) => JSON.stringify([what]);

/** What is said of many things, counted: that a failure is read at a glance. */
function countBy<T>(items: readonly T[], say: (item: T) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const text = asText(say(item));
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

const all = (count: number, what: unknown) => ({ [asText(what)]: count });

const typesOf = (events: readonly Told[]) =>
  events.map(({ type }) => type).filter((type) => type !== 'change');

/** Each is told once when it comes and once when it goes. */
const ONCE_EACH = ['spawn', 'close'];

const closeOf = (events: readonly Told[]) => events.find(({ type }) => type === 'close');

/** The owner that is told with the close. */
function ownerOf(events: readonly Told[]) {
  const { pid, process, knowledge } = closeOf(events)?.socket.owners[0] ?? {};
  return { pid, process, knowledge };
}

const exactly = ({ pid, name: process }: { pid: number; name: string }) => ({
  pid,
  process,
  knowledge: 'exact',
});
const listening = (server: Server) => ({ ...exactly(server), knowledge: 'listener' });

/** The same for an owner that has let go, or listens. */
const asKnown = (events: readonly Told[]) => {
  const owner = ownerOf(events);
  return owner.knowledge === 'listener' ? { ...owner, knowledge: 'exact' } : owner;
};

const bytesOf = (events: readonly Told[]) => {
  const { rxBytes, txBytes } = closeOf(events)?.socket ?? {};
  return { rxBytes, txBytes };
};
/**
 * The same of the side that connected. Where its peer was kept from closing for 40 ms, its kernel acknowledged our FIN
 * alone; whether the peer's was counted before the end cannot be told then, and it counts as a byte received.
 */
const nearBytesOf = (events: readonly Told[]) => {
  const { rxBytes, txBytes } = bytesOf(events);
  const isSlow = (closeOf(events)?.lifetimeMs ?? 0) >= DELAYED_ACK_MS;
  return { rxBytes: isSlow && rxBytes === ANSWER - 1 ? ANSWER : rxBytes, txBytes };
};
/** TCP_DELACK_MIN, less what the clock of the kernel may be behind. */
const DELAYED_ACK_MS = 30;
const NEAR_BYTES = { rxBytes: ANSWER, txBytes: QUESTION };
const FAR_BYTES = { rxBytes: QUESTION, txBytes: ANSWER };

/** Closes told and closes missed, of the connections of a client. */
function accountOf(watcher: Watcher, server: Server, { ports }: Done) {
  const own = new Set(ports);
  const account = { told: 0, missed: 0 };
  for (const { type, socket, missed, learntBy } of watcher.told) {
    if (type === 'gap') account.missed += learntBy === 'destroy' ? (missed ?? NaN) : 0;
    // That one is there no more a look may tell too; the kernel’s word of it is counted as missed. And what was reset
    // from here has no peer any more.
    else if (
      learntBy !== 'poll' &&
      type === 'close' &&
      (socket.local.port === server.port || own.has(socket.local.port))
    )
      account.told++;
  }
  return account;
}

const why = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);
const noEvents = hasNetlink ? undefined : 'netlink cannot be used here';
const noTrace = noEvents ?? (isRoot ? undefined : 'tracing needs root');
const noPlace = noEvents ?? noNetwork;
const noBash = spawnSync('bash', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/1'], {
  encoding: 'utf8',
}).stderr.includes('refused')
  ? undefined
  : 'there is no bash that connects';

describe.skipIf(noTrace !== undefined)(`as root${why(noTrace)}`, () => {
  test('1,000 connections between two looks: both ends of each, with program, bytes and lifetime', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const watcher = await stage.watch(server, { isByHand: true });
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    // What the kernel keeps of them for a while is no connection.
    await watcher.look(server);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) {
      expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
      const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
      expect(lifetimes.filter((ms) => !(ms > 0 && ms < boundMs))).toEqual([]);
      expect(countBy(ends, (events) => closeOf(events)?.isAtLeast)).toEqual(all(MANY, undefined));
      expect(new Set(ends.flatMap((events) => events.map(({ socket }) => socket.id))).size).toBe(MANY);
      expect(countBy(ends.flat(), ({ learntBy }) => learntBy)).not.toHaveProperty([asText('poll')]);
    }
    expect(countBy(near, nearBytesOf)).toEqual(all(MANY, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(MANY, FAR_BYTES));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, exactly(client)));
    expect(countBy(far, asKnown)).toEqual(all(MANY, exactly(server)));
    expect(watcher.gaps).toEqual([]);
  });

  test('a program that came and went while netpane stood still', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const watcher = await stage.watch(server, ONCE);
    watcher.speaker.child.kill('SIGSTOP');
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'sc' });
    watcher.speaker.child.kill('SIGCONT');
    await watcher.closes(2 * MANY, server.port);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, exactly(client)));
    expect(countBy(far, asKnown)).toEqual(all(MANY, exactly(server)));
    expect(watcher.gaps).toEqual([]);
  });

  test.skipIf(noBash !== undefined)(`a process for each connection${why(noBash)}`, async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const watcher = await stage.watch(server, ONCE);
    const count = 50;
    const visit = `exec 3<>/dev/tcp/127.0.0.1/${server.port}; printf c.... >&3; read -rN 3 -u 3; echo $$`;
    const pids = await stage.runOther('bash', '-c', `for i in {1..${count}}; do bash -c '${visit}'; done`);
    await watcher.closes(2 * count, server.port);
    const near = [...watcher.bySocket(({ remote }) => remote?.port === server.port).values()];
    expect(near.map(ownerOf).sort((a, b) => (a.pid ?? 0) - (b.pid ?? 0))).toEqual(
      pids
        .map((pid) => ({ pid: Number(pid), process: 'bash', knowledge: 'exact' }))
        .sort((a, b) => a.pid - b.pid),
    );
    expect(countBy(near, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, nearBytesOf)).toEqual(all(count, NEAR_BYTES));
  });

  test('a trace that is lost: the kernel’s word of each close is there, and no program that it was not', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const watcher = await stage.watch(server, every('60m', '--event-buffer', '256'));
    const count = 50;
    watcher.speaker.child.kill('SIGSTOP');
    const client = await stage.run('visit', { port: server.port, count, endings: 'cs', noise: 1000 });
    watcher.speaker.child.kill('SIGCONT');
    await watcher.closes(2 * count, server.port);
    await watcher.until('a gap', () => watcher.gaps.some(({ learntBy }) => learntBy === 'trace'));
    const lost = watcher.gaps.filter(({ learntBy }) => learntBy === 'trace');
    for (const { missed } of lost) expect(missed).toBeGreaterThan(0);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, nearBytesOf)).toEqual(all(count, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));
    const named = near.map(ownerOf).filter(({ knowledge }) => knowledge !== 'gone');
    // A program that is read from /proc while records are lost may have become another one: it is the last known one.
    const doubtful = (owner: ReturnType<typeof ownerOf>) => ({
      ...owner,
      ...(['inherited', 'listener'].includes(owner.knowledge ?? '') && { knowledge: 'exact' }),
    });
    expect(countBy(named, doubtful)).toEqual(named.length > 0 ? all(named.length, exactly(client)) : {});
    expect(countBy(far.map(ownerOf), doubtful)).toEqual(all(count, exactly(server)));
    // And soon all is as it was.
    let owner: ReturnType<typeof ownerOf> | undefined;
    for (let tries = 1; tries <= 5 && owner?.knowledge !== 'exact'; tries++) {
      const again = await stage.run('visit', { port: server.port });
      await watcher.closes(2 * (count + tries), server.port);
      owner = ownerOf(endsOf(watcher, server, again).near[0] ?? []);
      if (owner.knowledge !== 'gone') expect(owner).toEqual(exactly(again));
    }
    expect(owner?.knowledge).toBe('exact');
  });

  test.each([
    ['IPv6', '::1', '::1', '::1', '::1'],
    [
      'a listener for IPv6 and IPv4, and a client of IPv4',
      '::',
      '127.0.0.1',
      '127.0.0.1',
      '::ffff:127.0.0.1',
    ],
  ])('%s', async (_, listens, host, nearAddress, farAddress) => {
    const stage = await Stage.set();
    const [server, marker] = await Promise.all([stage.serve({ hosts: [listens] }), stage.serve()]);
    const watcher = await stage.watch(marker, every('500ms'));
    const count = 30;
    const client = await stage.run('visit', { host, port: server.port, count, endings: 'cs' });
    await watcher.closes(2 * count, server.port);
    await watcher.look(marker);
    const { near, far } = endsOf(watcher, server, client);
    const sidesOf = (events: readonly Told[]) => {
      const { local, remote, family } = closeOf(events)?.socket ?? {};
      return [family, local?.address, remote?.address];
    };
    const family = nearAddress.includes(':') ? 'ipv6' : 'ipv4';
    expect(countBy(near, sidesOf)).toEqual(all(count, [family, nearAddress, nearAddress]));
    expect(countBy(far, sidesOf)).toEqual(all(count, ['ipv6', farAddress, farAddress]));
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(count, exactly(client)));
    expect(countBy(far, asKnown)).toEqual(all(count, exactly(server)));
    expect(countBy(near, nearBytesOf)).toEqual(all(count, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));
  });

  test('reset, refused, and a listener that comes and goes', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const watcher = await stage.watch(server, every('500ms'));
    const count = 30;
    const rude = await stage.run('visit', { port: server.port, count, endings: 'r' });
    await watcher.closes(2 * count, server.port);
    const closed = await server.order('refuse');
    const refused = await stage.run('knock', { port: closed });
    expect(refused.error).toBe('ECONNREFUSED');
    const listener = await server.order('listen');
    await watcher.look(server);

    const { near, far } = endsOf(watcher, server, rude);
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(count, exactly(rude)));
    expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));

    const vain = [...watcher.bySocket(({ remote }) => remote?.port === closed).values()];
    expect(vain.map(typesOf)).toEqual([ONCE_EACH]);
    expect(vain[0]?.[0]).toMatchObject({ type: 'spawn', learntBy: 'trace', socket: { state: 'SYN_SENT' } });
    expect(vain.map(ownerOf)).toEqual([exactly(refused)]);
    expect(closeOf(vain[0] ?? [])?.socket.local.address).toBe('127.0.0.1');

    const brief = watcher.bySocket().get(`${listener}→*`) ?? [];
    expect(typesOf(brief)).toEqual(ONCE_EACH);
    expect(brief[0]?.socket.state).toBe('LISTEN');
    expect(ownerOf(brief)).toEqual(exactly(server));
  });

  test('a connection that stays is one, seen by looks and by events; UDP has its program too', async () => {
    const stage = await Stage.set();
    const [server, marker] = await Promise.all([stage.serve(), stage.serve()]);
    const watcher = await stage.watch(marker, every('500ms'));
    const client = await stage.stay({ port: server.port });
    await watcher.look(marker);
    await watcher.look(marker);
    await client.end();
    const drop = await stage.run('drop', { count: 30 });
    await watcher.closes(2, server.port);
    await watcher.look(marker);
    const { near, far } = endsOf(watcher, server, client);
    expect([near, far].map(([events = []]) => typesOf(events))).toEqual([ONCE_EACH, ONCE_EACH]);
    expect(near.map(ownerOf)).toEqual([exactly(client)]);
    expect(far.map(asKnown)).toEqual([exactly(server)]);
    expect(near.map(nearBytesOf)).toEqual([NEAR_BYTES]);
    expect(closeOf(near[0] ?? [])?.isAtLeast).toBeUndefined();
    const sent = livesAt(
      watcher,
      drop.ports.map((port) => `${port}→*`),
    );
    expect(countBy(sent, typesOf)).toEqual(all(30, ONCE_EACH));
    // Which socket a program sent by is not told: it is the only one that sent from there.
    expect(countBy(sent, ownerOf)).toEqual(all(30, { ...exactly(drop), knowledge: 'sender' }));
  });

  test.skipIf(noPlace !== undefined)(
    `connections in another network namespace, seen from outside${why(noPlace)}`,
    async () => {
      const stage = await Stage.set();
      const server = await stage.serve();
      const watcher = await stage.watch(server, { ...every('1s'), isOutside: true });
      const count = 200;
      const client = await stage.run('visit', { port: server.port, count, endings: 'cs' });
      await watcher.closes(2 * count, server.port);
      await watcher.look(server);
      const { near, far } = endsOf(watcher, server, client);
      for (const ends of [near, far]) {
        expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
        expect(countBy(ends.flat(), ({ socket }) => socket.netns?.inode)).toEqual(
          all(ends.flat().length, stage.netns),
        );
      }
      expect(countBy(near, ownerOf)).toEqual(all(count, exactly(client)));
      expect(countBy(near, nearBytesOf)).toEqual(all(count, NEAR_BYTES));
      expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));
    },
  );
});

describe.skipIf(noTrace !== undefined)(`on the screen, as root${why(noTrace)}`, () => {
  /** What a screen shows, page by page, until that is so many things; each line is taken by its name. */
  async function pages(
    t: Terminal,
    key: KeyName,
    count: number,
    see: (line: string) => [string, string] | undefined,
  ) {
    const seen = new Map<string, string>();
    const look = () => {
      for (const row of t.rows()) {
        const [name, what] = see(row) ?? [];
        if (name !== undefined && what !== undefined) seen.set(name, what);
      }
    };
    look();
    while (seen.size < count) {
      t.press(key);
      await t.until(`another page after ${seen.size} of ${count}`, () =>
        t.rows().some((row) => {
          const [name] = see(row) ?? [];
          return name !== undefined && !seen.has(name);
        }),
      );
      look();
    }
    return seen;
  }

  test('1,000 connections between two looks: in the table and in the event log', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const ticks = ticksByHand();
    const t = startNetpane({
      ...ticks.start,
      through: [...stage.through],
      args: ['--interval', '100ms', '--linger', '60m', '--port', String(server.port)],
      cols: 200,
      rows: 300,
    });
    await t.until('the listener', () => tableRows(t).length === 1);
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    ticks.allow(1);
    await t.until('the next poll', () => ticks.over() && t.text().includes(' TIME_WAIT '));

    t.press('home');
    const row =
      /^([-+~ ]) (\S+) +(\d+) .* 127\.0\.0\.1 +(\d+) +127\.0\.0\.1 +(\d+) +(\S+) +\S+ +\S+ +\S+ +(\S+) +(\S+) /;
    const rows = await pages(t, 'pagedown', 2 * MANY, (line) => {
      const [, mark, process, pid, local, remote, state, rx, tx] = row.exec(line) ?? [];
      return mark === undefined
        ? undefined
        : [`${local} ${remote}`, `${mark} ${process} ${pid} ${state} ↓${rx} ↑${tx}`];
    });
    const text = (mark: string, { name, pid }: { name: string; pid: number }, state: string, bytes: string) =>
      `${mark} ${name} ${pid} ${state} ${bytes}`;
    const near = client.ports.map((port) => rows.get(`${port} ${server.port}`));
    const far = client.ports.map((port) => rows.get(`${server.port} ${port}`));
    // Of the side that ends it the kernel keeps its ends for a minute.
    expect(countBy(near, (it) => it)).toEqual({
      ...all(MANY / 2, text('+', { ...client, name: `(${client.name})` }, 'TIME_WAIT', '↓3 ↑5')),
      ...all(MANY / 2, text('-', client, 'LAST_ACK', '↓3 ↑5')),
    });
    expect(countBy(far, (it) => it)).toEqual({
      ...all(MANY / 2, text('+', { pid: server.pid, name: `(${server.name})` }, 'TIME_WAIT', '↓5 ↑3')),
      ...all(MANY / 2, text('-', server, 'LAST_ACK', '↓5 ↑3')),
    });

    t.write('e');
    await t.until('the event log', () => /^EVENTS +4,000 of /m.test(t.text()));
    t.press('tab');
    await t.until('the keys in it', () => t.text().includes('▸ EVENTS'));
    const event = /^\S+ ([-+~]) (\S+) +(\d+) +tcp 127\.0\.0\.1:(\d+) → 127\.0\.0\.1:(\d+) +(.*)$/;
    const events = await pages(t, 'pageup', 4 * MANY, (line) => {
      const [, mark, process, pid, local, remote, what = ''] = event.exec(line) ?? [];
      if (mark === undefined) return undefined;
      return [`${mark} ${local} ${remote}`, `${process} ${pid} ${what.replace(/^lived \S+ \S+ +/, '')}`];
    });
    // Parentheses: its program has let go of it since. What is told first is what has become of it by the next look.
    const spawned = (text: string | undefined) => text?.replace(/^\(?(\w+)\)? (\d+) .*$/, '$1 $2');
    const told = (mark: string, say = (text: string | undefined) => text) => [
      countBy(client.ports, (port) => say(events.get(`${mark} ${port} ${server.port}`))),
      countBy(client.ports, (port) => say(events.get(`${mark} ${server.port} ${port}`))),
    ];
    expect(told('-')).toEqual([
      all(MANY, `${client.name} ${client.pid} ↓ 3 B ↑ 5 B`),
      all(MANY, `${server.name} ${server.pid} ↓ 5 B ↑ 3 B`),
    ]);
    expect(told('+', spawned)).toEqual([
      all(MANY, `${client.name} ${client.pid}`),
      all(MANY, `${server.name} ${server.pid}`),
    ]);
  });
});

describe.skipIf(noEvents !== undefined)(`as an ordinary user${why(noEvents)}`, () => {
  test('1,000 connections between two looks: the close of each end, with bytes and lifetime', async () => {
    const stage = await Stage.set({ isOrdinary: true });
    const server = await stage.serve();
    const watcher = await stage.watch(server, { isByHand: true });
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    await watcher.look(server);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) {
      expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
      expect(countBy(ends, (events) => closeOf(events)?.learntBy)).toEqual(all(MANY, 'destroy'));
      const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
      expect(lifetimes.filter((ms) => !(ms >= 0 && ms < boundMs))).toEqual([]);
    }
    // The kernel does not say whose it was, and nobody is made of that; but the listener's user is known.
    const uidOf = (events: Parameters<typeof closeOf>[0]) => closeOf(events)?.socket.uid;
    expect(countBy(near, uidOf)).toEqual(all(MANY, undefined));
    expect(countBy(far, uidOf)).toEqual(all(MANY, stage.uid));
    expect(countBy(near, nearBytesOf)).toEqual(all(MANY, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(MANY, FAR_BYTES));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, { knowledge: 'gone' }));
    expect(countBy(far, ownerOf)).toEqual(all(MANY, listening(server)));
    expect(watcher.gaps).toEqual([]);
  });

  test('a connection that stays is one, seen by looks and by events; UDP', async () => {
    const stage = await Stage.set({ isOrdinary: true });
    const [server, marker] = await Promise.all([stage.serve(), stage.serve()]);
    const watcher = await stage.watch(marker, every('500ms'));
    const client = await stage.stay({ port: server.port });
    await watcher.look(marker);
    await watcher.look(marker);
    await client.end();
    const drop = await stage.run('drop', { count: 30 });
    await watcher.closes(2, server.port);
    await watcher.look(marker);
    const { near, far } = endsOf(watcher, server, client);
    expect([near, far].map(([events = []]) => typesOf(events))).toEqual([ONCE_EACH, ONCE_EACH]);
    // It was seen while it lived.
    for (const [events = [], { pid, name }] of [
      [near[0], client],
      [far[0], server],
    ] as const)
      expect(closeOf(events)?.socket).toMatchObject({ uid: stage.uid, owners: [{ pid, process: name }] });
    const sent = livesAt(
      watcher,
      drop.ports.map((port) => `${port}→*`),
    );
    expect(countBy(sent, typesOf)).toEqual(all(30, ONCE_EACH));
    expect(countBy(sent, ownerOf)).toEqual(all(30, { knowledge: 'gone' }));
  });

  describe.skipIf(noPlace !== undefined)(`more at once than there is room for${why(noPlace)}`, () => {
    test.each([
      ['in a burst', false],
      ['while netpane stands still', true],
    ])('%s: closes told and closes missed are all that were', async (_, isStopped) => {
      const stage = await Stage.set({ isOrdinary: true });
      const server = await stage.serve();
      const watcher = await stage.watch(server, every('500ms', '--event-buffer', '4'));
      if (isStopped) watcher.speaker.child.kill('SIGSTOP');
      const client = await stage.run('visit', { port: server.port, count: 3 * MANY, endings: 'csr' });
      watcher.speaker.child.kill('SIGCONT');
      await watcher.until('all', () => {
        const { told, missed } = accountOf(watcher, server, client);
        return told + missed >= 6 * MANY;
      });
      await watcher.look(server);
      const { told, missed } = accountOf(watcher, server, client);
      expect(missed).toBeGreaterThan(0);
      expect(told).toBeGreaterThan(0);
      expect(told + missed).toBe(6 * MANY);
    });
  });
});

describe.skipIf(noTrace !== undefined)(`what netpane makes in the kernel${why(noTrace)}`, () => {
  let native: Native;
  beforeAll(async () => {
    native = await Native.load();
  });

  /** Names of the trace instances that a netpane made, wherever tracefs is. */
  function instancesOf(pid: number): string[] {
    const { root, mount } = findTracefs(native);
    try {
      return readdirSync(`${root}/instances`).filter((name) => name.startsWith(`netpane-${pid}-`));
    } finally {
      if (mount !== undefined) native.close(mount);
    }
  }
  const made = (pid: number) =>
    eventually(
      () => `an instance of ${pid}`,
      () => instancesOf(pid).length > 0,
    );
  const startScreen = (options: Start = {}) => startNetpane({ args: ['--interval', '60m'], ...options });
  /** A screen that has had its first look. */
  async function screenWith(server: Server, stage: Stage): Promise<Terminal> {
    const t = startScreen({
      args: ['--interval', '60m', '--port', String(server.port)],
      through: [...stage.through],
    });
    await t.until('the listener', () => tableRows(t).length > 0);
    return t;
  }

  test('is cleared away by the next one where it was killed', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const [watcher, screen] = [await stage.watch(server, ONCE), startScreen()];
    const pids = [watcher.speaker.pid, screen.pid];
    for (const pid of pids) await made(pid);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all([watcher.speaker.ended, screen.exited]);
    const next = await stage.watch(server, ONCE);
    expect(pids.map(instancesOf)).toEqual([[], []]);
    expect(instancesOf(next.speaker.pid)).toHaveLength(1);
    next.speaker.child.kill('SIGTERM');
    expect(await next.speaker.ended).toBe(0);
    expect(instancesOf(next.speaker.pid)).toEqual([]);
  });

  test.each<[string, (t: Terminal) => unknown]>([
    ['q', (t) => t.write('q')],
    ['SIGTERM', ({ pid }) => process.kill(pid, 'SIGTERM')],
    ['SIGHUP', ({ pid }) => process.kill(pid, 'SIGHUP')],
  ])('is gone when the screen ends by %s', async (_, end) => {
    const stage = await Stage.set();
    const t = await screenWith(await stage.serve(), stage);
    expect(instancesOf(t.pid)).toHaveLength(1);
    end(t);
    await t.exited;
    expect(instancesOf(t.pid)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is gone when watch ends by %s', async (signal) => {
    const stage = await Stage.set();
    const { speaker } = await stage.watch(await stage.serve(), ONCE);
    expect(instancesOf(speaker.pid)).toHaveLength(1);
    speaker.child.kill(signal);
    expect(await speaker.ended).toBe(0);
    expect(instancesOf(speaker.pid)).toEqual([]);
  });

  /** Starts a program that crashes a second later, again where that came before it had made anything. */
  async function crashed<T extends { pid: number; over: Promise<unknown> }>(start: () => T): Promise<T> {
    for (;;) {
      const program = start();
      let isOver = false;
      void program.over.then(() => {
        isOver = true;
      });
      await eventually(
        () => 'an instance',
        () => isOver || instancesOf(program.pid).length > 0,
      );
      const isMade = instancesOf(program.pid).length > 0;
      await program.over;
      if (isMade) return program;
    }
  }
  const crash = (fault: string) => ({ nodeArgs: ['--import', faults], env: { NETPANE_FAULT: fault } });

  test.each(['render-throws', 'worker-throws', 'worker-exits', 'timer-throws'])(
    'is gone when the screen crashes: %s',
    async (fault) => {
      const { pid, over } = await crashed(() => {
        const { pid, exited } = startScreen({ ...crash(fault), args: ['--interval', '200ms'] });
        return { pid, over: exited };
      });
      expect((await over).exitCode).not.toBe(0);
      expect(instancesOf(pid)).toEqual([]);
    },
  );

  // koffi aborts the program where it is cut off while it is being loaded.
  test.each([
    ['q', 0, (t: Terminal) => t.write('q')],
    ['SIGTERM', 143, (t: Terminal) => process.kill(t.pid, 'SIGTERM')],
  ])('is gone when the screen ends by %s while the source is being opened', async (_, exitCode, end) => {
    const file = join(newHome(), 'loading');
    const t = startNetpane({
      nodeArgs: ['--import', faults],
      env: { NETPANE_FAULT: 'slow-to-load', NETPANE_TICKS: file },
    });
    const said = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await t.until('the screen, and what is loaded', () => t.modes().alternateScreen && said() === 'loading ');
    end(t);
    expect(await t.exited).toEqual({ exitCode, signal: 0 });
    expect(said()).toBe('loading ending loaded');
    expect(instancesOf(t.pid)).toEqual([]);
  });

  test('is gone when watch crashes', async () => {
    const stage = await Stage.set();
    const { pid, over } = await crashed(() => {
      const { speaker } = stage.start(crash('timer-throws'));
      return { pid: speaker.pid, over: speaker.ended };
    });
    expect(await over).toBe(1);
    expect(instancesOf(pid)).toEqual([]);
  });

  test('two side by side tell the same, and the end of one is nothing to the other', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const [one, other] = [await stage.watch(server, ONCE), await stage.watch(server, ONCE)];
    const count = 200;
    const first = await stage.run('visit', { port: server.port, count, endings: 'csr' });
    await Promise.all([one, other].map((watcher) => watcher.closes(2 * count, server.port)));
    const tellingsOf = (watcher: Watcher) => {
      const { near, far } = endsOf(watcher, server, first);
      return [...near, ...far]
        .flat()
        .map(({ type, was, socket: { id, state } }) => `${id} ${type} ${was?.state} ${state}`);
    };
    expect(tellingsOf(other)).toEqual(tellingsOf(one));
    expect(countBy(endsOf(one, server, first).near, typesOf)).toEqual(all(count, ONCE_EACH));

    one.speaker.child.kill('SIGKILL');
    await one.speaker.ended;
    // It clears away what the dead one left, and nothing else.
    await stage.watch(server, ONCE);
    const second = await stage.run('visit', { port: server.port, count, endings: 'cs' });
    await other.closes(4 * count, server.port);
    const { near } = endsOf(other, server, second);
    expect(countBy(near, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(count, exactly(second)));
    expect(other.gaps).toEqual([]);
  });

  test.skipIf(noPlace !== undefined)(`is nothing where an ordinary user runs it${why(noPlace)}`, async () => {
    const stage = await Stage.set();
    const { speaker } = await stage.watch(await stage.serve(), { ...ONCE, isOrdinary: true });
    expect(instancesOf(speaker.pid)).toEqual([]);
    await speaker.until('why', () => /short-lived changes may be missed.*root/.test(speaker.stderr));
  });
});
