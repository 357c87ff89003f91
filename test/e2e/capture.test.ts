// As root, netpane reports every connection that opens and closes between two polls, with its program, bytes and lifetime.
import { spawnSync } from 'node:child_process';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Server } from './server.ts';
import {
  all,
  asKey,
  bytesOf,
  closeOf,
  countBy,
  endsOf,
  every,
  exactly,
  exactOwnerOf,
  FAR_BYTES,
  MANY,
  NEAR_BYTES,
  nearBytesOf,
  noStage,
  noTrace,
  ONCE_EACH,
  ownerOf,
  RESPONSE,
  seenByPollsToo,
  typesOf,
  why,
} from './short-lives.ts';
import { Stage } from './stage.ts';
import type { Watcher, WatchEvent } from './watcher.ts';

const noBash = spawnSync('bash', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/1'], {
  encoding: 'utf8',
}).stderr.includes('refused')
  ? undefined
  : 'bash cannot connect here';

describe.skipIf(noTrace !== undefined).each([
  ['with the ledger', true],
  ['with the trace', false],
])(`as root %s${why(noTrace)}`, (_, hasLedger) => {
  let stage: Stage;
  /** Opens sockets that only a poll finds, so that a test notices one. */
  let marker: Server;
  let watcher: Watcher;
  beforeAll(async () => {
    stage = await Stage.create({ hasLedger });
    marker = await stage.serve();
    watcher = await stage.watch(marker, { isByHand: true });
  });
  beforeEach(() => watcher.reset());

  test('reports both ends of 1,000 connections between two polls, with program, bytes and lifetime', async () => {
    const server = await stage.serve();
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    // This poll must not report the remnants in TIME_WAIT as sockets of their own.
    await watcher.poll(marker);
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
    const server = await stage.serve();
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
    const server = await stage.serve();
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
    const server = await stage.serve({ hosts: [listens] });
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
    const server = await stage.serve();
    const count = 30;
    const resetting = await stage.run('visit', { port: server.port, count, endings: 'r' });
    await watcher.closes(2 * count, server.port);
    const closed = await server.order('refuse');
    const refused = await stage.run('knock', { port: closed });
    expect(refused.error).toBe('ECONNREFUSED');
    const listener = await server.order('listen');
    await watcher.poll(marker);

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
    const { server, client, drop, near, far, sent } = await seenByPollsToo(stage, watcher, marker);
    expect([near, far].map(([events = []]) => typesOf(events))).toEqual([ONCE_EACH, ONCE_EACH]);
    expect(near.map(ownerOf)).toEqual([exactly(client)]);
    expect(far.map(exactOwnerOf)).toEqual([exactly(server)]);
    expect(near.map(nearBytesOf)).toEqual([NEAR_BYTES]);
    expect(closeOf(near[0] ?? [])?.isAtLeast).toBeUndefined();
    expect(countBy(sent, typesOf)).toEqual(all(30, ONCE_EACH));
    // The trace does not say through which socket a process sent: `sender` is the only process that sent from this port.
    const known = hasLedger ? exactly(drop) : { ...exactly(drop), knowledge: 'sender' };
    expect(countBy(sent, ownerOf)).toEqual(all(30, known));
    if (hasLedger) expect(countBy(sent, bytesOf)).toEqual(all(30, { rxBytes: 0, txBytes: RESPONSE }));
  });

  test.skipIf(noStage !== undefined)(
    `reports connections in another network namespace${why(noStage)}`,
    async () => {
      const server = await stage.serve();
      const outside = await stage.watch(server, { ...every('1s'), isOutside: true });
      const count = 200;
      const client = await stage.run('visit', { port: server.port, count, endings: 'cs' });
      await outside.closes(2 * count, server.port);
      await outside.poll(server);
      const { near, far } = endsOf(outside, server, client);
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
