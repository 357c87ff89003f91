// Connections that live shorter than an interval, reported from the trace: when it has lost records, and by two netpanes at once.
import { describe, expect, test } from 'vitest';
import {
  all,
  bytesOf,
  countBy,
  endsOf,
  every,
  exactly,
  FAR_BYTES,
  NEAR_BYTES,
  nearBytesOf,
  noTrace,
  ONCE_EACH,
  ONE_POLL,
  ownerOf,
  typesOf,
  why,
} from './short-lives.ts';
import { Stage } from './stage.ts';
import type { Watcher } from './watcher.ts';

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

describe.skipIf(noTrace !== undefined)(`the trace instance that netpane creates${why(noTrace)}`, () => {
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
});
