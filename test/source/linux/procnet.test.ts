import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../../src/model/batch.ts';
import { diff } from '../../../src/sampler/diff.ts';
import { ProcNetSource } from '../../../src/source/linux/procnet.ts';
import { ownersText } from '../../helpers/fakes.ts';
import { Proc } from '../../../src/source/linux/proc.ts';
import { FakeProc, type TableLine, tableText } from '../../helpers/proc.ts';

describe('as time goes on', () => {
  let fake: FakeProc;
  let source: ProcNetSource;
  let nowMs = 0;
  const open = (isRoot = true) => new ProcNetSource({ procRoot: fake.root, nowMs: () => nowMs, isRoot });
  beforeEach(() => {
    fake = new FakeProc();
    source = open();
    nowMs = 0;
  });
  afterEach(() => fake.end());

  const LISTEN: TableLine = { local: '127.0.0.1:80', state: '0A', inode: 7, uid: 1000 };
  const HELD: TableLine = {
    local: '127.0.0.1:80',
    remote: '192.0.2.9:4000',
    state: '01',
    inode: 8,
    uid: 1000,
  };
  const { inode: _inode, ...LET_GO } = { ...HELD, state: '06' as const, uid: 0 };

  /** A reading of these lines. */
  function read(...tcp: readonly TableLine[]): Promise<Snapshot> {
    fake.tables({ tcp });
    return source.read();
  }
  const owners = ({ sockets }: Snapshot) => [...sockets.values()].map(ownersText);

  test('a connection that its process has let go of keeps its last owner, its user and its id', async () => {
    fake.start(50, { comm: 'curl', fds: { 3: 8 } });
    const before = await read(HELD);
    fake.start(50, { comm: 'curl' });
    const after = await read(LET_GO);
    expect([...after.sockets.keys()]).toEqual([...before.sockets.keys()]);
    expect(owners(after)).toEqual(['inherited curl 50']);
    expect([...after.sockets.values()][0]).toMatchObject({ state: 'TIME_WAIT', uid: 1000, user: 'ana' });
    fake.remove('50');
    const later = await read(LET_GO);
    expect(later.sockets).toBe(after.sockets);
  });

  test('a UDP socket that one reading of its table passed over is there still', async () => {
    const lines: TableLine[] = [53, 68, 123].map((port) => ({
      local: `0.0.0.0:${port}`,
      state: '07',
      inode: port,
    }));
    fake.tables({ udp: lines });
    await source.read();
    const before = await source.read();
    // The first reading of the next tick misses a line, as it does when another socket closes meanwhile.
    const real = new Proc(fake.root);
    let readings = 0;
    const spy = vi.spyOn(Proc.prototype, 'latin1').mockImplementation((path) => {
      if (path !== 'net/udp' || readings++ > 0) return real.text(path);
      return { value: tableText(lines.slice(0, 2)) };
    });
    const after = await source.read();
    spy.mockRestore();
    expect(readings).toBe(2);
    expect(after.sockets).toBe(before.sockets);
    fake.tables({ udp: lines.slice(0, 2) });
    expect((await source.read()).sockets.size).toBe(2);
  });

  test('so does one whose process cannot be found any more', async () => {
    fake.start(50, { comm: 'curl', fds: { 3: 8 } });
    await read(HELD);
    fake.remove('50');
    expect(owners(await read(HELD))).toEqual(['inherited curl 50']);
  });

  test("a connection in the queue is its listener's, then that of the process that accepts it", async () => {
    fake.start(50, { comm: 'master', fds: { 3: 7 } });
    const { inode: _, ...queued } = HELD;
    const first = await read(LISTEN, queued);
    expect(owners(first)).toEqual(['exact master 50', 'listener master 50']);
    fake.start(51, { comm: 'worker', fds: { 3: 7, 4: 8 } });
    const second = await read(LISTEN, HELD);
    expect(owners(second)).toEqual(['exact master 50, exact worker 51', 'exact worker 51']);
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], closed: [] });
  });

  test('the listener on any address; not one on another address or port', async () => {
    fake.start(50, { comm: 'any', fds: { 3: 7 } });
    const { inode: _, ...queued } = HELD;
    expect(owners(await read({ ...LISTEN, local: '0.0.0.0:80' }, queued))[1]).toBe('listener any 50');
    source = open();
    expect(owners(await read({ ...LISTEN, local: '127.0.0.2:80' }, queued))[1]).toBe('unknown - -');
    source = open();
    expect(owners(await read({ ...LISTEN, local: '0.0.0.0:81' }, queued))[1]).toBe('unknown - -');
  });

  test('no holder can be found: unknown, with the places searched; neither gone nor the kernel', async () => {
    expect(owners(await read(LISTEN))).toEqual(['unknown - -']);
    const second = await read(LISTEN);
    expect(owners(second)).toEqual(['unknown - -']);
    expect([...second.sockets.values()].map((it) => it.owners[0]?.tried)).toEqual([
      'not among the descriptors, mappings and io_urings of 1 process and its threads; ' +
        'the kernel itself may have made it',
    ]);
    const third = await read(LISTEN);
    expect((await read(LISTEN)).sockets).toBe(third.sockets);
  });

  test('a process that dies while it is looked at leaves a socket with an owner all the same', async () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.remove('50/stat');
    expect(owners(await read(LISTEN))).toEqual(['gone - -']);
  });

  test('another process under the same pid does not inherit', async () => {
    fake.start(50, { comm: 'first', fds: { 3: 8 } });
    await read(HELD);
    fake.start(50, { comm: 'second', fds: { 3: 9 }, startTicks: 900 });
    const second = await read({ ...HELD, inode: 9 });
    expect(owners(second)).toEqual(['exact second 50']);
  });

  test('a fork, and its end', async () => {
    fake.start(50, { fds: { 3: 7 } });
    const first = await read(LISTEN);
    fake.start(51, { fds: { 3: 7 } });
    const second = await read(LISTEN);
    expect(owners(second)).toEqual(['exact prog-50 50, exact prog-51 51']);
    expect([...second.sockets.keys()]).toEqual([...first.sockets.keys()]);
    fake.remove('51');
    expect(owners(await read(LISTEN))).toEqual(['exact prog-50 50']);
  });

  test('a young process becomes another program', async () => {
    fake.start(50, { comm: 'sh', fds: { 3: 7 } });
    await read(LISTEN);
    fake.exec(50, 'server');
    expect(owners(await read(LISTEN))).toEqual(['exact server 50']);
  });

  describe('hidden owners', () => {
    const notice = async (isRoot: boolean, ...lines: TableLine[]) => {
      source = open(isRoot);
      return read(...lines);
    };

    test('to an ordinary user: how many, and what would help', async () => {
      // Without pid 1 there are processes that are not seen (hidepid).
      fake.remove('1');
      const one = await notice(false, LISTEN);
      expect(owners(one)).toEqual(['hidden - -']);
      expect(one.degradations).toEqual([
        {
          code: 'owners-hidden',
          text: 'the owner of 1 socket is hidden (1 of ana): run with sudo to see it',
          short: '1 owner hidden: sudo',
        },
      ]);
      expect((await notice(false, LISTEN, HELD)).degradations[0]).toMatchObject({
        text: 'owners of 2 sockets are hidden (2 of ana): run with sudo to see them',
        short: '2 owners hidden: sudo',
      });
    });

    test('whose they are: the users with the most first, four of them', async () => {
      fake.remove('1');
      const lines = [0, 0, 1000, 7, 8, 8, 8, 9].map((uid, i) => ({ ...LISTEN, uid, inode: 10 + i }));
      expect((await notice(false, ...lines.slice(0, 3))).degradations[0]?.text).toContain(
        'owners of 3 sockets are hidden (2 of root, 1 of ana): run with sudo',
      );
      expect((await notice(false, ...lines)).degradations[0]?.text).toContain(
        '(3 of user 8, 2 of root, 1 of ana, 1 of user 7, …): ',
      );
    });

    test('to root: sudo would not help', async () => {
      fake.remove('1');
      expect((await notice(true, LISTEN)).degradations[0]).toMatchObject({
        text: 'the owner of 1 socket is hidden (1 of ana): even root may not look into the programs here',
        short: '1 owner hidden',
      });
    });

    test('in another pid namespace', async () => {
      fake.link('self/ns/pid', 'pid:[4026532178]');
      expect((await notice(true, LISTEN)).degradations[0]?.text).toBe(
        'the owner of 1 socket is hidden (1 of ana): netpane runs in a pid namespace: run it outside of this container',
      );
    });

    test('in the first pid namespace nothing is hidden', async () => {
      fake.link('self/ns/pid', 'pid:[4026531836]');
      expect((await notice(false, LISTEN)).degradations).toEqual([]);
    });

    test('a connection in the queue of a hidden listener is hidden too', async () => {
      fake.remove('1');
      const { inode: _, ...queued } = HELD;
      expect(owners(await notice(false, LISTEN, queued))).toEqual(['hidden - -', 'hidden - -']);
    });

    test('none of it where every owner is known', async () => {
      fake.remove('1');
      fake.start(50, { fds: { 3: 7 } });
      expect((await notice(false, LISTEN)).degradations).toEqual([]);
    });
  });

  describe('tables that cannot be read', () => {
    test('lines that are not understood are counted, and the others shown', async () => {
      fake.write('net/tcp', 'header\ngarbage\n\n');
      fake.write('net/udp', 'header\nmore garbage\n');
      const { sockets, degradations } = await source.read();
      expect(sockets.size).toBe(0);
      expect(degradations.map(({ text }) => text)).toEqual([
        '2 lines of /proc/net/tcp could not be read',
        '1 line of /proc/net/udp could not be read',
      ]);
    });

    test('without IPv6 nothing is missed', async () => {
      expect((await read(LISTEN)).degradations).toEqual([]);
    });

    test('no TCP at all at the start', async () => {
      fake.remove('net');
      await expect(source.read()).rejects.toThrow(/^cannot read the sockets of this machine: .*net\/tcp/);
    });

    test('later: the last sockets stay, with a notice, until it works again', async () => {
      const before = await read(LISTEN);
      fake.remove('net');
      const stale = await source.read();
      expect(stale.sockets).toBe(before.sockets);
      expect(stale.degradations).toHaveLength(1);
      expect(stale.degradations[0]).toMatchObject({ code: 'stale' });
      expect(stale.degradations[0]?.text).toMatch(/^these are the sockets of a while ago: /);
      const again = await read(LISTEN);
      expect([...again.sockets.keys()]).toEqual([...before.sockets.keys()]);
      expect(again.degradations).toEqual([]);
    });
  });

  test('a user who is added later gets a name, after a minute at most', async () => {
    const uid = { ...LISTEN, uid: 1234 };
    const userOf = ({ sockets }: Snapshot) => [...sockets.values()][0]?.user;
    expect(userOf(await read(uid))).toBeUndefined();
    fake.write('../etc/passwd', 'new:x:1234:1234::/:/bin/sh\n');
    nowMs = 61_000;
    expect(userOf(await read({ ...uid, local: '127.0.0.1:81', inode: 9 }))).toBe('new');
  });

  test('what the reading cost', async () => {
    source = new ProcNetSource({ procRoot: fake.root, nowMs: () => (nowMs += 1), isRoot: true });
    const { sampleMs, ownersMs } = await read(LISTEN);
    expect(sampleMs).toBeGreaterThan(0);
    expect(ownersMs).toBeGreaterThan(0);
  });
});
