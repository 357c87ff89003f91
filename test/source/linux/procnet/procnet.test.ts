import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../../../src/model/batch.ts';
import { diff } from '../../../../src/sampler/diff.ts';
import { ProcNetSource } from '../../../../src/source/linux/procnet/procnet.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { FakeProc, type TableLine, tableText } from '../../../helpers/proc.ts';

describe('the source proc', () => {
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
  const { inode: _inode, ...CLOSED } = { ...HELD, state: '06' as const, uid: 0 };

  /** Runs a poll with these lines in the TCP table. */
  function read(...tcp: readonly TableLine[]): Promise<Snapshot> {
    fake.tables({ tcp });
    return source.read();
  }
  const owners = ({ sockets }: Snapshot) => [...sockets.values()].map(ownersText);

  test('a connection that its process closed keeps its last owner, user and id', async () => {
    fake.start(50, { comm: 'curl', fds: { 3: 8 } });
    const before = await read(HELD);
    fake.start(50, { comm: 'curl' });
    const after = await read(CLOSED);
    expect([...after.sockets.keys()]).toEqual([...before.sockets.keys()]);
    expect(owners(after)).toEqual(['inherited curl 50']);
    expect([...after.sockets.values()][0]).toMatchObject({ state: 'TIME_WAIT', uid: 1000, user: 'ana' });
    fake.remove('50');
    const later = await read(CLOSED);
    expect(later.sockets).toBe(after.sockets);
  });

  test('keeps a UDP socket that one read of the table missed', async () => {
    const lines: TableLine[] = [53, 68, 123].map((port) => ({
      local: `0.0.0.0:${port}`,
      state: '07',
      inode: port,
    }));
    fake.tables({ udp: lines });
    await source.read();
    const before = await source.read();
    // The first read misses a line, as happens when another socket closes meanwhile.
    const real = new Proc(fake.root);
    let reads = 0;
    const spy = vi.spyOn(Proc.prototype, 'table').mockImplementation((path) => {
      if (path !== 'net/udp' || reads++ > 0) return real.text(path);
      return { value: tableText(lines.slice(0, 2)) };
    });
    const after = await source.read();
    spy.mockRestore();
    expect(reads).toBe(2);
    expect(after.sockets).toBe(before.sockets);
    fake.tables({ udp: lines.slice(0, 2) });
    expect((await source.read()).sockets.size).toBe(2);
  });

  test('keeps the last owner if its process cannot be found any more', async () => {
    fake.start(50, { comm: 'curl', fds: { 3: 8 } });
    await read(HELD);
    fake.remove('50');
    expect(owners(await read(HELD))).toEqual(['inherited curl 50']);
  });

  test('a connection in the accept queue has the owner of its listener, then the accepting process', async () => {
    fake.start(50, { comm: 'master', fds: { 3: 7 } });
    const { inode: _, ...queued } = HELD;
    const first = await read(LISTEN, queued);
    expect(owners(first)).toEqual(['exact master 50', 'listener master 50']);
    fake.start(51, { comm: 'worker', fds: { 3: 7, 4: 8 } });
    const second = await read(LISTEN, HELD);
    expect(owners(second)).toEqual(['exact master 50, exact worker 51', 'exact worker 51']);
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], closed: [] });
  });

  test('takes the owner of a listener on any address, not of one on another address or port', async () => {
    fake.start(50, { comm: 'any', fds: { 3: 7 } });
    const { inode: _, ...queued } = HELD;
    expect(owners(await read({ ...LISTEN, local: '0.0.0.0:80' }, queued))[1]).toBe('listener any 50');
    source = open();
    expect(owners(await read({ ...LISTEN, local: '127.0.0.2:80' }, queued))[1]).toBe('unknown - -');
    source = open();
    expect(owners(await read({ ...LISTEN, local: '0.0.0.0:81' }, queued))[1]).toBe('unknown - -');
  });

  test('a socket without a holder is unknown, with the searched places', async () => {
    expect(owners(await read(LISTEN))).toEqual(['unknown - -']);
    const second = await read(LISTEN);
    expect(owners(second)).toEqual(['unknown - -']);
    expect([...second.sockets.values()].map((it) => it.owners[0]?.tried)).toEqual([
      'not found in the descriptors, mappings and io_urings of 1 process and its threads; ' +
        'the kernel itself may have created it',
    ]);
    const third = await read(LISTEN);
    expect((await read(LISTEN)).sockets).toBe(third.sockets);
  });

  test('a socket is gone if its process ends while it is read', async () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.remove('50/stat');
    expect(owners(await read(LISTEN))).toEqual(['gone - -']);
  });

  test('a process with a reused pid does not inherit a socket', async () => {
    fake.start(50, { comm: 'first', fds: { 3: 8 } });
    await read(HELD);
    fake.start(50, { comm: 'second', fds: { 3: 9 }, startTicks: 900 });
    const second = await read({ ...HELD, inode: 9 });
    expect(owners(second)).toEqual(['exact second 50']);
  });

  test('adds a forked process, and removes it when it ends', async () => {
    fake.start(50, { fds: { 3: 7 } });
    const first = await read(LISTEN);
    fake.start(51, { fds: { 3: 7 } });
    const second = await read(LISTEN);
    expect(owners(second)).toEqual(['exact prog-50 50, exact prog-51 51']);
    expect([...second.sockets.keys()]).toEqual([...first.sockets.keys()]);
    fake.remove('51');
    expect(owners(await read(LISTEN))).toEqual(['exact prog-50 50']);
  });

  test('shows the new program of a process after an exec', async () => {
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

    test('an ordinary user gets the number and advice', async () => {
      // Without pid 1, /proc hides processes (hidepid).
      fake.remove('1');
      const one = await notice(false, LISTEN);
      expect(owners(one)).toEqual(['hidden - -']);
      expect(one.degradations).toEqual([
        {
          code: 'owners-hidden',
          text: 'the owner of 1 socket is hidden (1 of ana): run with sudo to see it',
          short: '1 owner hidden: use sudo',
        },
      ]);
      expect((await notice(false, LISTEN, HELD)).degradations[0]).toMatchObject({
        text: 'owners of 2 sockets are hidden (2 of ana): run with sudo to see them',
        short: '2 owners hidden: use sudo',
      });
    });

    test('lists the four users with the most hidden sockets', async () => {
      fake.remove('1');
      const lines = [0, 0, 1000, 7, 8, 8, 8, 9].map((uid, i) => ({ ...LISTEN, uid, inode: 10 + i }));
      expect((await notice(false, ...lines.slice(0, 3))).degradations[0]?.text).toContain(
        'owners of 3 sockets are hidden (2 of root, 1 of ana): run with sudo',
      );
      expect((await notice(false, ...lines)).degradations[0]?.text).toContain(
        '(3 of user 8, 2 of root, 1 of ana, 1 of user 7, …): ',
      );
    });

    test('root gets no advice to use sudo', async () => {
      fake.remove('1');
      expect((await notice(true, LISTEN)).degradations[0]).toMatchObject({
        text: 'the owner of 1 socket is hidden (1 of ana): even root may not inspect the processes here',
        short: '1 owner hidden',
      });
    });

    test('the reason can be another pid namespace', async () => {
      fake.link('self/ns/pid', 'pid:[4026532178]');
      expect((await notice(true, LISTEN)).degradations[0]?.text).toBe(
        'the owner of 1 socket is hidden (1 of ana): netpane runs in a pid namespace: run it outside of this container',
      );
    });

    test('there are none in the initial pid namespace', async () => {
      fake.link('self/ns/pid', 'pid:[4026531836]');
      expect((await notice(false, LISTEN)).degradations).toEqual([]);
    });

    test('include connections in the accept queue of a hidden listener', async () => {
      fake.remove('1');
      const { inode: _, ...queued } = HELD;
      expect(owners(await notice(false, LISTEN, queued))).toEqual(['hidden - -', 'hidden - -']);
    });

    test('there is no notice if every owner is known', async () => {
      fake.remove('1');
      fake.start(50, { fds: { 3: 7 } });
      expect((await notice(false, LISTEN)).degradations).toEqual([]);
    });
  });

  describe('tables that cannot be read', () => {
    test('malformed lines are counted, the others shown', async () => {
      fake.write('net/tcp', 'header\ngarbage\n\n');
      fake.write('net/udp', 'header\nmore garbage\n');
      const { sockets, degradations } = await source.read();
      expect(sockets.size).toBe(0);
      expect(degradations.map(({ text }) => text)).toEqual([
        '2 lines of /proc/net/tcp could not be read',
        '1 line of /proc/net/udp could not be read',
      ]);
    });

    test('counts a malformed line once in a UDP table that is read twice', async () => {
      fake.tables({ udp: [{ local: '0.0.0.0:53', state: '07', inode: 53 }] });
      await source.read();
      fake.write('net/udp', 'header\ngarbage\n');
      expect((await source.read()).degradations.map(({ text }) => text)).toEqual([
        '1 line of /proc/net/udp could not be read',
      ]);
    });

    test('a missing IPv6 table gives no notice', async () => {
      expect((await read(LISTEN)).degradations).toEqual([]);
    });

    test('the first poll rejects without a TCP table', async () => {
      fake.remove('net');
      await expect(source.read()).rejects.toThrow(/^cannot read the sockets of this machine: .*net\/tcp/);
    });

    test('a later poll returns the previous sockets with a notice until it works again', async () => {
      const before = await read(LISTEN);
      fake.remove('net');
      const stale = await source.read();
      expect(stale.sockets).toBe(before.sockets);
      expect(stale.degradations).toHaveLength(1);
      expect(stale.degradations[0]).toMatchObject({ code: 'stale' });
      expect(stale.degradations[0]?.text).toMatch(
        /^the sockets could not be read, the previous ones are shown: /,
      );
      const again = await read(LISTEN);
      expect([...again.sockets.keys()]).toEqual([...before.sockets.keys()]);
      expect(again.degradations).toEqual([]);
    });
  });

  test('shows the name of a new user after at most a minute', async () => {
    const uid = { ...LISTEN, uid: 1234 };
    const userOf = ({ sockets }: Snapshot) => [...sockets.values()][0]?.user;
    expect(userOf(await read(uid))).toBeUndefined();
    fake.write('../etc/passwd', 'new:x:1234:1234::/:/bin/sh\n');
    nowMs = 61_000;
    expect(userOf(await read({ ...uid, local: '127.0.0.1:81', inode: 9 }))).toBe('new');
  });

  test('reports the cost of a poll', async () => {
    source = new ProcNetSource({ procRoot: fake.root, nowMs: () => (nowMs += 1), isRoot: true });
    const { socketsMs, ownersMs } = await read(LISTEN);
    expect(socketsMs).toBeGreaterThan(0);
    expect(ownersMs).toBeGreaterThan(0);
  });
});
