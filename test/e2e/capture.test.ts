// Connections that live shorter than an interval: netpane reports each of them with its program, bytes and lifetime, and
// counts those that it missed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { findTracefs } from '../../src/source/linux/trace/tracefs.ts';
import { eventually } from '../helpers/herd.ts';
import type { KeyName, Terminal } from '../helpers/terminal.ts';
import { noNetwork, type ProgramResult, type Server, Stage, type WatchEvent, type Watcher } from './stage.ts';
import {
  faults,
  hasNetlink,
  isRoot,
  newHome,
  type Start,
  startNetpane,
  tableRows,
  pollsByHand,
} from './netpane.ts';

const MANY = 1000;
/** Bytes sent by the client and by the server of a connection; see short-lived.mjs. */
const [REQUEST, RESPONSE] = [5, 3];

const every = (interval: string, ...args: string[]) => ({ args: ['--interval', interval, ...args] });
/** An interval longer than any of these tests: the first poll is the only one. */
const ONE_POLL = every('60m');

/**
 * Returns the events of one socket for each of `keys` (`54321→8080`). A key that occurs twice stands for two sockets: the
 * kernel may assign a port again as soon as it is free.
 */
function livesAt(watcher: Watcher, keys: readonly string[]): WatchEvent[][] {
  const bySocket = watcher.bySocket();
  const totals = new Map<string, number>();
  for (const key of keys) totals.set(key, (totals.get(key) ?? 0) + 1);
  const counts = new Map<string, number>();
  return keys.map((key) => {
    const events = bySocket.get(key) ?? [];
    const ids = [...new Set(events.map(({ socket }) => socket.id))];
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    // All events if the number of sockets is wrong, so that the test fails.
    return ids.length === totals.get(key) ? events.filter(({ socket }) => socket.id === ids[nth]) : events;
  });
}

/** Returns the events of both ends of each connection that a program made. */
const endsOf = (
  watcher: Watcher,
  { port }: Pick<Server, 'port'>,
  { ports }: Pick<ProgramResult, 'ports'>,
) => ({
  near: livesAt(
    watcher,
    ports.map((own) => `${own}→${port}`),
  ),
  far: livesAt(
    watcher,
    ports.map((peer) => `${port}→${peer}`),
  ),
});

/** Returns a value as a key of {@link countBy}. */
const asKey = (value: unknown) => JSON.stringify([value]);

/** Returns how many items have each value of `valueOf`. A failure shows at a glance how many differ. */
function countBy<T>(items: readonly T[], valueOf: (item: T) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = asKey(valueOf(item));
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The result of {@link countBy} when all items have the same value. */
const all = (count: number, value: unknown) => ({ [asKey(value)]: count });

const typesOf = (events: readonly WatchEvent[]) =>
  events.map(({ type }) => type).filter((type) => type !== 'change');

/** The event types of a socket that spawned and closed. */
const ONCE_EACH = ['spawn', 'close'];

const closeOf = (events: readonly WatchEvent[]) => events.find(({ type }) => type === 'close');

/** Returns the owner in the close event. */
function ownerOf(events: readonly WatchEvent[]) {
  const { pid, process, knowledge } = closeOf(events)?.socket.owners[0] ?? {};
  return { pid, process, knowledge };
}

const exactly = ({ pid, name: process }: { pid: number; name: string }) => ({
  pid,
  process,
  knowledge: 'exact',
});
const listening = (server: Server) => ({ ...exactly(server), knowledge: 'listener' });

/** Returns the owner in the close event, with the knowledge `exact` instead of `listener`. */
const exactOwnerOf = (events: readonly WatchEvent[]) => {
  const owner = ownerOf(events);
  return owner.knowledge === 'listener' ? { ...owner, knowledge: 'exact' } : owner;
};

const bytesOf = (events: readonly WatchEvent[]) => {
  const { rxBytes, txBytes } = closeOf(events)?.socket ?? {};
  return { rxBytes, txBytes };
};
/**
 * Returns the bytes of the end that connected. The kernel counts the peer's FIN as a received byte, which netpane
 * subtracts. If the peer closed late, its kernel acknowledged the FIN of this end separately, and nothing shows whether
 * the counter includes the peer's FIN: one byte too few is accepted.
 */
const nearBytesOf = (events: readonly WatchEvent[]) => {
  const { rxBytes, txBytes } = bytesOf(events);
  const isSlow = (closeOf(events)?.lifetimeMs ?? 0) >= DELAYED_ACK_MS;
  return { rxBytes: isSlow && rxBytes === RESPONSE - 1 ? RESPONSE : rxBytes, txBytes };
};
/** TCP_DELACK_MIN minus the delay of the kernel's clock, milliseconds. */
const DELAYED_ACK_MS = 30;
const NEAR_BYTES = { rxBytes: RESPONSE, txBytes: REQUEST };
const FAR_BYTES = { rxBytes: REQUEST, txBytes: RESPONSE };

/** Returns the number of reported and of missed closes of the connections of a client. */
function closesOf(watcher: Watcher, server: Server, { ports }: ProgramResult) {
  const own = new Set(ports);
  const closes = { reported: 0, missed: 0 };
  for (const { type, socket, missed, learntBy } of watcher.events) {
    if (type === 'gap') closes.missed += learntBy === 'destroy' ? (missed ?? NaN) : 0;
    // A close that a poll reports is left out: its kernel event is counted as missed. A socket that its owner has reset
    // has no remote endpoint any more, so its local port is compared.
    else if (
      learntBy !== 'poll' &&
      type === 'close' &&
      (socket.local.port === server.port || own.has(socket.local.port))
    )
      closes.reported++;
  }
  return closes;
}

const why = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);
const noEvents = hasNetlink ? undefined : 'netlink cannot be used here';
const noTrace = noEvents ?? (isRoot ? undefined : 'tracing needs root');
const noStage = noEvents ?? noNetwork;
const noBash = spawnSync('bash', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/1'], {
  encoding: 'utf8',
}).stderr.includes('refused')
  ? undefined
  : 'bash cannot connect here';

describe.skipIf(noTrace !== undefined).each([
  ['with the ledger', true],
  ['with the trace', false],
])(`as root %s${why(noTrace)}`, (_, hasLedger) => {
  test('reports both ends of 1,000 connections between two polls, with program, bytes and lifetime', async () => {
    const stage = await Stage.create({ hasLedger });
    const server = await stage.serve();
    const watcher = await stage.watch(server, { isByHand: true });
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    // The remnants in TIME_WAIT are no sockets of their own.
    await watcher.poll(server);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) {
      expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
      const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
      expect(lifetimes.filter((ms) => !(ms > 0 && ms < boundMs))).toEqual([]);
      expect(countBy(ends, (events) => closeOf(events)?.isAtLeast)).toEqual(all(MANY, undefined));
      expect(new Set(ends.flatMap((events) => events.map(({ socket }) => socket.id))).size).toBe(MANY);
      expect(countBy(ends.flat(), ({ learntBy }) => learntBy)).not.toHaveProperty([asKey('poll')]);
    }
    expect(countBy(near, nearBytesOf)).toEqual(all(MANY, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(MANY, FAR_BYTES));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, exactly(client)));
    expect(countBy(far, exactOwnerOf)).toEqual(all(MANY, exactly(server)));
    expect(watcher.gaps).toEqual([]);
  });

  test('reports the connections of a program that started and ended while netpane was stopped', async () => {
    const stage = await Stage.create({ hasLedger });
    const server = await stage.serve();
    const watcher = await stage.watch(server, ONE_POLL);
    watcher.program.child.kill('SIGSTOP');
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'sc' });
    watcher.program.child.kill('SIGCONT');
    await watcher.closes(2 * MANY, server.port);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, exactly(client)));
    expect(countBy(far, exactOwnerOf)).toEqual(all(MANY, exactly(server)));
    expect(watcher.gaps).toEqual([]);
  });

  test.skipIf(noBash !== undefined)(`names one process per connection${why(noBash)}`, async () => {
    const stage = await Stage.create({ hasLedger });
    const server = await stage.serve();
    const watcher = await stage.watch(server, ONE_POLL);
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

  test.each([
    ['connections over IPv6', '::1', '::1', '::1', '::1'],
    ['connections over IPv4 to a listener on ::', '::', '127.0.0.1', '127.0.0.1', '::ffff:127.0.0.1'],
  ])('reports %s', async (_, listens, host, nearAddress, farAddress) => {
    const stage = await Stage.create({ hasLedger });
    const [server, marker] = await Promise.all([stage.serve({ hosts: [listens] }), stage.serve()]);
    const watcher = await stage.watch(marker, every('500ms'));
    const count = 30;
    const client = await stage.run('visit', { host, port: server.port, count, endings: 'cs' });
    await watcher.closes(2 * count, server.port);
    await watcher.poll(marker);
    const { near, far } = endsOf(watcher, server, client);
    const sidesOf = (events: readonly WatchEvent[]) => {
      const { local, remote, family } = closeOf(events)?.socket ?? {};
      return [family, local?.address, remote?.address];
    };
    const family = nearAddress.includes(':') ? 'ipv6' : 'ipv4';
    expect(countBy(near, sidesOf)).toEqual(all(count, [family, nearAddress, nearAddress]));
    expect(countBy(far, sidesOf)).toEqual(all(count, ['ipv6', farAddress, farAddress]));
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(count, exactly(client)));
    expect(countBy(far, exactOwnerOf)).toEqual(all(count, exactly(server)));
    expect(countBy(near, nearBytesOf)).toEqual(all(count, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));
  });

  test('reports connections that were reset or refused, and a listener that closes at once', async () => {
    const stage = await Stage.create({ hasLedger });
    const server = await stage.serve();
    const watcher = await stage.watch(server, every('500ms'));
    const count = 30;
    const resetting = await stage.run('visit', { port: server.port, count, endings: 'r' });
    await watcher.closes(2 * count, server.port);
    const closed = await server.order('refuse');
    const refused = await stage.run('knock', { port: closed });
    expect(refused.error).toBe('ECONNREFUSED');
    const listener = await server.order('listen');
    await watcher.poll(server);

    const { near, far } = endsOf(watcher, server, resetting);
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(count, exactly(resetting)));
    expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));

    const failed = [...watcher.bySocket(({ remote }) => remote?.port === closed).values()];
    expect(failed.map(typesOf)).toEqual([ONCE_EACH]);
    expect(failed[0]?.[0]).toMatchObject({
      type: 'spawn',
      learntBy: hasLedger ? 'destroy' : 'trace',
      socket: { state: 'SYN_SENT' },
    });
    expect(failed.map(ownerOf)).toEqual([exactly(refused)]);
    expect(closeOf(failed[0] ?? [])?.socket.local.address).toBe('127.0.0.1');

    const brief = watcher.bySocket().get(`${listener}→*`) ?? [];
    expect(typesOf(brief)).toEqual(ONCE_EACH);
    expect(brief[0]?.socket.state).toBe('LISTEN');
    expect(ownerOf(brief)).toEqual(exactly(server));
  });

  test('reports a connection once although polls and kernel events show it, and UDP sockets with their program', async () => {
    const stage = await Stage.create({ hasLedger });
    const [server, marker] = await Promise.all([stage.serve(), stage.serve()]);
    const watcher = await stage.watch(marker, every('500ms'));
    const client = await stage.stay({ port: server.port });
    await watcher.poll(marker);
    await watcher.poll(marker);
    await client.end();
    const drop = await stage.run('drop', { count: 30 });
    await watcher.closes(2, server.port);
    await watcher.poll(marker);
    const { near, far } = endsOf(watcher, server, client);
    expect([near, far].map(([events = []]) => typesOf(events))).toEqual([ONCE_EACH, ONCE_EACH]);
    expect(near.map(ownerOf)).toEqual([exactly(client)]);
    expect(far.map(exactOwnerOf)).toEqual([exactly(server)]);
    expect(near.map(nearBytesOf)).toEqual([NEAR_BYTES]);
    expect(closeOf(near[0] ?? [])?.isAtLeast).toBeUndefined();
    const sent = livesAt(
      watcher,
      drop.ports.map((port) => `${port}→*`),
    );
    expect(countBy(sent, typesOf)).toEqual(all(30, ONCE_EACH));
    // The trace does not say by which socket a process sent: it is the only process that sent from this port.
    const known = hasLedger ? exactly(drop) : { ...exactly(drop), knowledge: 'sender' };
    expect(countBy(sent, ownerOf)).toEqual(all(30, known));
    if (hasLedger) expect(countBy(sent, bytesOf)).toEqual(all(30, { rxBytes: 0, txBytes: RESPONSE }));
  });

  test.skipIf(noStage !== undefined)(
    `reports connections in another network namespace${why(noStage)}`,
    async () => {
      const stage = await Stage.create({ hasLedger });
      const server = await stage.serve();
      const watcher = await stage.watch(server, { ...every('1s'), isOutside: true });
      const count = 200;
      const client = await stage.run('visit', { port: server.port, count, endings: 'cs' });
      await watcher.closes(2 * count, server.port);
      await watcher.poll(server);
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

describe.skipIf(noTrace !== undefined)(`the trace${why(noTrace)}`, () => {
  test('reports each close, and no wrong program, when the trace has lost records', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const server = await stage.serve();
    const watcher = await stage.watch(server, every('60m', '--event-buffer', '256'));
    const count = 50;
    watcher.program.child.kill('SIGSTOP');
    const client = await stage.run('visit', { port: server.port, count, endings: 'cs', noise: 1000 });
    watcher.program.child.kill('SIGCONT');
    await watcher.closes(2 * count, server.port);
    await watcher.until('a gap', () => watcher.gaps.some(({ learntBy }) => learntBy === 'trace'));
    const lost = watcher.gaps.filter(({ learntBy }) => learntBy === 'trace');
    for (const { missed } of lost) expect(missed).toBeGreaterThan(0);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) expect(countBy(ends, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, nearBytesOf)).toEqual(all(count, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(count, FAR_BYTES));
    const named = near.map(ownerOf).filter(({ knowledge }) => knowledge !== 'gone');
    // The lost records may hold an exec or a rename of the client: then its name is an earlier one, and not exact.
    const isWrong = (owner: ReturnType<typeof ownerOf>, wanted: ReturnType<typeof exactly>) =>
      owner.pid !== wanted.pid || (owner.knowledge === 'exact' && owner.process !== wanted.process);
    expect(named.filter((owner) => isWrong(owner, exactly(client)))).toEqual([]);
    expect(far.map(ownerOf).filter((owner) => isWrong(owner, exactly(server)))).toEqual([]);
    // Later connections have exact owners again.
    let owner: ReturnType<typeof ownerOf> | undefined;
    for (let tries = 1; tries <= 5 && owner?.knowledge !== 'exact'; tries++) {
      const again = await stage.run('visit', { port: server.port });
      await watcher.closes(2 * (count + tries), server.port);
      owner = ownerOf(endsOf(watcher, server, again).near[0] ?? []);
      if (owner.knowledge !== 'gone') expect(owner).toEqual(exactly(again));
    }
    expect(owner?.knowledge).toBe('exact');
  });
});

describe.skipIf(noTrace !== undefined)(`on the screen, as root${why(noTrace)}`, () => {
  /**
   * Pages through the screen until it has shown `count` lines.
   * @param parse returns the key and the text of a line, undefined for one that does not count
   */
  async function readPages(
    t: Terminal,
    key: KeyName,
    count: number,
    parse: (line: string) => [string, string] | undefined,
  ) {
    const lines = new Map<string, string>();
    const addPage = () => {
      for (const row of t.rows()) {
        const [name, text] = parse(row) ?? [];
        if (name !== undefined && text !== undefined) lines.set(name, text);
      }
    };
    const isNew = (line: [string, string] | undefined) => line !== undefined && !lines.has(line[0]);
    addPage();
    while (lines.size < count) {
      const before = t.bytesWritten;
      t.press(key);
      let last = before;
      await t.until(`another page after ${lines.size} of ${count}`, () => {
        const isPainted = last > before && t.bytesWritten === last;
        last = t.bytesWritten;
        // The only sign of a page without new lines is that bytes have arrived, and no more follow.
        return isPainted || t.rows().some((row) => isNew(parse(row)));
      });
      addPage();
    }
    return lines;
  }

  test('shows 1,000 connections between two polls in the table and in the event log', async () => {
    const stage = await Stage.create();
    const server = await stage.serve();
    const polls = pollsByHand();
    const t = startNetpane({
      ...polls.start,
      through: [...stage.through],
      args: ['--interval', '100ms', '--linger', '60m', '--port', String(server.port)],
      cols: 200,
      rows: 300,
    });
    await t.until('the listener', () => tableRows(t).length === 1);
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    polls.allow(1);
    await t.until('the next poll', () => polls.areDone() && tableRows(t).length > 200);
    t.press('end');
    t.press('enter');
    await t.until('the unfolded remnants', () => t.text().includes('enter folds them'));

    t.press('home');
    const row =
      /^([-+~ ]) (\S+) +(\d+) .* 127\.0\.0\.1 +(\d+) +127\.0\.0\.1 +(\d+) +(\S+)(?: +\S+){4} +(\S+) +(\S+) /;
    const rows = await readPages(t, 'pagedown', 2 * MANY, (line) => {
      const [, mark, process, pid, local, remote, state, rx, tx] = row.exec(line) ?? [];
      return mark === undefined
        ? undefined
        : [`${local} ${remote}`, `${mark} ${process} ${pid} ${state} ↓${rx} ↑${tx}`];
    });
    const text = (mark: string, { name, pid }: { name: string; pid: number }, state: string, bytes: string) =>
      `${mark} ${name} ${pid} ${state} ${bytes}`;
    const near = client.ports.map((port) => rows.get(`${port} ${server.port}`));
    const far = client.ports.map((port) => rows.get(`${server.port} ${port}`));
    // The end that closes first stays in TIME_WAIT for a minute.
    expect(countBy(near, (it) => it)).toEqual({
      ...all(MANY / 2, text('+', { ...client, name: `(${client.name})` }, 'TIME_WAIT', '↓3 ↑5')),
      ...all(MANY / 2, text('-', client, 'LAST_ACK', '↓3 ↑5')),
    });
    expect(countBy(far, (it) => it)).toEqual({
      ...all(MANY / 2, text('+', { pid: server.pid, name: `(${server.name})` }, 'TIME_WAIT', '↓5 ↑3')),
      ...all(MANY / 2, text('-', server, 'LAST_ACK', '↓5 ↑3')),
    });

    t.write('e');
    await t.until('the event log', () => /^EVENTS .*4,000 of /m.test(t.text()));
    t.press('tab');
    await t.until('the focus in the log', () => t.text().includes('▸ EVENTS'));
    const event = /^\S+ ([-+~]) (\S+) +(\d+) +tcp 127\.0\.0\.1:(\d+) → 127\.0\.0\.1:(\d+) +(.*)$/;
    const events = await readPages(t, 'pageup', 4 * MANY, (line) => {
      const [, mark, process, pid, local, remote, what = ''] = event.exec(line) ?? [];
      if (mark === undefined) return undefined;
      return [`${mark} ${local} ${remote}`, `${process} ${pid} ${what.replace(/^lived \S+ \S+ +/, '')}`];
    });
    // A program in parentheses has closed the socket. A spawn has the state of the next poll, which varies.
    const spawned = (text: string | undefined) => text?.replace(/^\(?(\w+)\)? (\d+) .*$/, '$1 $2');
    const linesOf = (mark: string, convert = (text: string | undefined) => text) => [
      countBy(client.ports, (port) => convert(events.get(`${mark} ${port} ${server.port}`))),
      countBy(client.ports, (port) => convert(events.get(`${mark} ${server.port} ${port}`))),
    ];
    expect(linesOf('-')).toEqual([
      all(MANY, `${client.name} ${client.pid} ↓ 3 B ↑ 5 B`),
      all(MANY, `${server.name} ${server.pid} ↓ 5 B ↑ 3 B`),
    ]);
    expect(linesOf('+', spawned)).toEqual([
      all(MANY, `${client.name} ${client.pid}`),
      all(MANY, `${server.name} ${server.pid}`),
    ]);
  });
});

describe.skipIf(noEvents !== undefined)(`as an ordinary user${why(noEvents)}`, () => {
  test('reports the close of both ends of 1,000 connections between two polls, with bytes and lifetime', async () => {
    const stage = await Stage.create({ isOrdinary: true });
    const server = await stage.serve();
    const watcher = await stage.watch(server, { isByHand: true });
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    await watcher.poll(server);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) {
      expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
      expect(countBy(ends, (events) => closeOf(events)?.learntBy)).toEqual(all(MANY, 'destroy'));
      const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
      expect(lifetimes.filter((ms) => !(ms >= 0 && ms < boundMs))).toEqual([]);
    }
    // The kernel does not report the user of a closed socket. netpane takes that of the listener, and no other.
    const uidOf = (events: Parameters<typeof closeOf>[0]) => closeOf(events)?.socket.uid;
    expect(countBy(near, uidOf)).toEqual(all(MANY, undefined));
    expect(countBy(far, uidOf)).toEqual(all(MANY, stage.uid));
    expect(countBy(near, nearBytesOf)).toEqual(all(MANY, NEAR_BYTES));
    expect(countBy(far, bytesOf)).toEqual(all(MANY, FAR_BYTES));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, { knowledge: 'gone' }));
    expect(countBy(far, ownerOf)).toEqual(all(MANY, listening(server)));
    expect(watcher.gaps).toEqual([]);
  });

  test('reports a connection once although polls and kernel events show it, and UDP sockets', async () => {
    const stage = await Stage.create({ isOrdinary: true });
    const [server, marker] = await Promise.all([stage.serve(), stage.serve()]);
    const watcher = await stage.watch(marker, every('500ms'));
    const client = await stage.stay({ port: server.port });
    await watcher.poll(marker);
    await watcher.poll(marker);
    await client.end();
    const drop = await stage.run('drop', { count: 30 });
    await watcher.closes(2, server.port);
    await watcher.poll(marker);
    const { near, far } = endsOf(watcher, server, client);
    expect([near, far].map(([events = []]) => typesOf(events))).toEqual([ONCE_EACH, ONCE_EACH]);
    // A poll has seen it while it was open.
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

  describe.skipIf(noStage !== undefined)(`a full event buffer${why(noStage)}`, () => {
    test.each([
      ['in a burst', false],
      ['while netpane is stopped', true],
    ])('reports or counts every close %s', async (_, isStopped) => {
      const stage = await Stage.create({ isOrdinary: true });
      const server = await stage.serve();
      const watcher = await stage.watch(server, every('500ms', '--event-buffer', '4'));
      if (isStopped) watcher.program.child.kill('SIGSTOP');
      const client = await stage.run('visit', { port: server.port, count: 3 * MANY, endings: 'csr' });
      watcher.program.child.kill('SIGCONT');
      await watcher.until('all closes', () => {
        const { reported, missed } = closesOf(watcher, server, client);
        return reported + missed >= 6 * MANY;
      });
      await watcher.poll(server);
      const { reported, missed } = closesOf(watcher, server, client);
      expect(missed).toBeGreaterThan(0);
      expect(reported).toBeGreaterThan(0);
      expect(reported + missed).toBe(6 * MANY);
    });
  });
});

describe.skipIf(noTrace !== undefined)(`the trace instance that netpane creates${why(noTrace)}`, () => {
  let native: Native;
  beforeAll(async () => {
    native = await Native.load();
  });

  /** Returns the names of the trace instances that a netpane created, wherever tracefs is mounted. */
  function instancesOf(pid: number): string[] {
    const { root, mount } = findTracefs(native);
    try {
      return readdirSync(`${root}/instances`).filter((name) => name.startsWith(`netpane-${pid}-`));
    } finally {
      if (mount !== undefined) native.close(mount);
    }
  }
  const untilCreated = (pid: number) =>
    eventually(
      () => `an instance of ${pid}`,
      () => instancesOf(pid).length > 0,
    );
  const startScreen = (options: Start = {}) =>
    startNetpane({ args: ['--interval', '60m'], ...withFaults('no-ledger'), ...options });
  /** Starts a screen and waits for its first poll. */
  async function screenWith(server: Server, stage: Stage): Promise<Terminal> {
    const t = startScreen({
      args: ['--interval', '60m', '--port', String(server.port)],
      through: [...stage.through],
    });
    await t.until('the listener', () => tableRows(t).length > 0);
    return t;
  }

  test('is removed by the next netpane if its own was killed', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const server = await stage.serve();
    const [watcher, screen] = [await stage.watch(server, ONE_POLL), startScreen()];
    const pids = [watcher.program.pid, screen.pid];
    for (const pid of pids) await untilCreated(pid);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all([watcher.program.ended, screen.exited]);
    const next = await stage.watch(server, ONE_POLL);
    expect(pids.map(instancesOf)).toEqual([[], []]);
    expect(instancesOf(next.program.pid)).toHaveLength(1);
    next.program.child.kill('SIGTERM');
    expect(await next.program.ended).toBe(0);
    expect(instancesOf(next.program.pid)).toEqual([]);
  });

  test.each<[string, (t: Terminal) => unknown]>([
    ['q', (t) => t.write('q')],
    ['SIGTERM', ({ pid }) => process.kill(pid, 'SIGTERM')],
    ['SIGHUP', ({ pid }) => process.kill(pid, 'SIGHUP')],
  ])('is removed when the screen ends by %s', async (_, end) => {
    const stage = await Stage.create({ hasLedger: false });
    const t = await screenWith(await stage.serve(), stage);
    expect(instancesOf(t.pid)).toHaveLength(1);
    end(t);
    await t.exited;
    expect(instancesOf(t.pid)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is removed when watch ends by %s', async (signal) => {
    const stage = await Stage.create({ hasLedger: false });
    const { program } = await stage.watch(await stage.serve(), ONE_POLL);
    expect(instancesOf(program.pid)).toHaveLength(1);
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
    expect(instancesOf(program.pid)).toEqual([]);
  });

  /**
   * Starts a program that crashes, again and again until one has created a trace instance before its crash.
   * @returns that one, which has ended
   */
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
      const isCreated = instancesOf(program.pid).length > 0;
      await program.over;
      if (isCreated) return program;
    }
  }
  const withFaults = (...names: string[]) => ({
    nodeArgs: ['--import', faults],
    env: { NETPANE_FAULT: names.join(',') },
  });
  const crash = (fault: string) => withFaults('no-ledger', fault);

  test.each(['render-throws', 'worker-throws', 'worker-exits', 'timer-throws'])(
    'is removed when the screen crashes: %s',
    async (fault) => {
      const { pid, over } = await crashed(() => {
        const { pid, exited } = startScreen({ ...crash(fault), args: ['--interval', '200ms'] });
        return { pid, over: exited };
      });
      expect((await over).exitCode).not.toBe(0);
      expect(instancesOf(pid)).toEqual([]);
    },
  );

  // koffi aborts the program if its thread ends while it is being loaded.
  test.each([
    ['q', 0, (t: Terminal) => t.write('q')],
    ['SIGTERM', 143, (t: Terminal) => process.kill(t.pid, 'SIGTERM')],
  ])('is removed when the screen ends by %s while the source is being opened', async (_, exitCode, end) => {
    const file = join(newHome(), 'loading');
    const t = startNetpane({
      nodeArgs: ['--import', faults],
      env: { NETPANE_FAULT: 'slow-to-load', NETPANE_FAULT_FILE: file },
    });
    const steps = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await t.until('the screen and koffi', () => t.modes().alternateScreen && steps() === 'loading ');
    end(t);
    expect(await t.exited).toEqual({ exitCode, signal: 0 });
    expect(steps()).toBe('loading ending loaded');
    expect(instancesOf(t.pid)).toEqual([]);
  });

  test('is removed when watch crashes', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const { pid, over } = await crashed(() => {
      const { program } = stage.start({ fault: ['timer-throws'] });
      return { pid: program.pid, over: program.ended };
    });
    expect(await over).toBe(1);
    expect(instancesOf(pid)).toEqual([]);
  });

  test('gives two netpanes the same events, and stays when the other netpane is killed', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const server = await stage.serve();
    const [one, other] = [await stage.watch(server, ONE_POLL), await stage.watch(server, ONE_POLL)];
    const count = 200;
    const first = await stage.run('visit', { port: server.port, count, endings: 'csr' });
    await Promise.all([one, other].map((watcher) => watcher.closes(2 * count, server.port)));
    const reportOf = (watcher: Watcher) => {
      const { near, far } = endsOf(watcher, server, first);
      return [...near, ...far]
        .flat()
        .map(({ type, was, socket: { id, state } }) => `${id} ${type} ${was?.state} ${state}`);
    };
    expect(reportOf(other)).toEqual(reportOf(one));
    expect(countBy(endsOf(one, server, first).near, typesOf)).toEqual(all(count, ONCE_EACH));

    one.program.child.kill('SIGKILL');
    await one.program.ended;
    // A third netpane removes only the instance of the killed one.
    await stage.watch(server, ONE_POLL);
    const second = await stage.run('visit', { port: server.port, count, endings: 'cs' });
    await other.closes(4 * count, server.port);
    // The second client may get local ports of the first one again.
    const { near } = endsOf(other, server, { ports: [...first.ports, ...second.ports] });
    expect(countBy(near, typesOf)).toEqual(all(2 * count, ONCE_EACH));
    expect(countBy(near.slice(count), ownerOf)).toEqual(all(count, exactly(second)));
    expect(other.gaps).toEqual([]);
  });

  test.skipIf(noStage !== undefined)(`is not created for an ordinary user${why(noStage)}`, async () => {
    const stage = await Stage.create({ hasLedger: false });
    const { program } = await stage.watch(await stage.serve(), { ...ONE_POLL, isOrdinary: true });
    expect(instancesOf(program.pid)).toEqual([]);
    await program.until('the reason', () => /short-lived changes may be missed.*root/.test(program.stderr));
  });
});
