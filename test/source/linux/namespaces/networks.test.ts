import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { diff } from '../../../../src/sampler/diff.ts';
import { NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import {
  all,
  codes,
  container,
  fake,
  kernel,
  LISTEN,
  notice,
  only,
  open,
  OWN,
  proc,
  read,
  start,
  useFakeSockDiag,
} from '../../../helpers/fake-sockdiag.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import { FakeNetwork } from '../../../helpers/netlink/kernel.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';
import { tableText } from '../../../helpers/proc.ts';

useFakeSockDiag();

describe('namespaces', () => {
  test('are all read, each socket with its namespace', async () => {
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    fake.write('60/cgroup', '0::/\n');
    const snapshot = await read(LISTEN);
    expect(all(snapshot).map(({ id, netns }) => [id, netns?.inode])).toEqual([
      ['sk:1', OWN],
      ['sk:a', 500],
    ]);
    expect(snapshot.interfaces.map(({ name, netns }) => [name, netns?.inode])).toEqual([
      ['lo', OWN],
      ['lo', 500],
    ]);
  });

  test('do not mix equal endpoints and listeners', async () => {
    start(50, 'outer', 7);
    const queued: InetFields = {
      cookie: 11,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 }, queued);
    fake.link('60/fd/3', 'socket:[70]');
    const { sockets } = await read(LISTEN);
    expect(ownersText(sockets.get('sk:1') as Socket)).toBe('exact outer 50');
    expect(ownersText(sockets.get('sk:b') as Socket)).toBe('listener main-60 60');
  });

  test('that end have their sockets closed, and their netlink sockets too', async () => {
    start(50, 'web', 7, 8);
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    const first = await read(LISTEN);
    expect(kernel.openCount).toBe(2);
    fake.remove('60');
    await read(LISTEN);
    const second = await read(LISTEN);
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], changed: [], closed: ['sk:a'] });
    expect(kernel.openCount).toBe(1);
  });

  test('leave nothing open after a thousand have come and gone', async () => {
    for (let i = 0; i < 1000; i++) {
      container(500 + i, 60, { ...LISTEN, cookie: 10 + i, inode: 70 });
      await read(LISTEN);
      expect(kernel.openCount).toBeLessThanOrEqual(3);
      fake.remove('60');
      kernel.networks.delete(500 + i - 1);
    }
    await read(LISTEN);
    const last = await read(LISTEN);
    expect(kernel.openCount).toBe(1);
    expect(kernel.opened).toBeGreaterThan(900);
    expect([...last.sockets.keys()]).toEqual(['sk:1']);
  });

  test('change only their own sockets when their name is found later', async () => {
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    start(50, 'web', 7);
    await read(LISTEN);
    const first = await read(LISTEN);
    const ID = '3f9a0c6be1d2'.padEnd(64, 'a');
    fake.write('60/cgroup', `0::/system.slice/docker-${ID}.scope\n`);
    let changed: string[] = [];
    let next = first;
    for (let i = 0; i < 50 && changed.length === 0; i++) {
      next = await read(LISTEN);
      changed = diff(first.sockets, next.sockets).changed.map(({ id }) => id);
    }
    expect(changed).toEqual(['sk:a']);
    expect(next.sockets.get('sk:a')?.netns).toEqual({
      inode: 500,
      name: expect.stringContaining('3f9a0c6be1d2') as string,
    });
    expect(next.sockets.get('sk:1')).toBe(first.sockets.get('sk:1'));
  });

  test('that may not be entered are reported and not tried again', async () => {
    container(500, 60);
    kernel.closed.set(500, new NativeError('setns', 1, 'EPERM'));
    const snapshot = await read(LISTEN);
    expect(notice(snapshot, 'namespaces-closed')).toBe(
      'access to 1 network namespace denied, its sockets are not shown: setns: EPERM',
    );
    kernel.closed.clear();
    expect(codes(await read(LISTEN))).toContain('namespaces-closed');
    fake.remove('60');
    await read(LISTEN);
    expect(codes(await read(LISTEN))).not.toContain('namespaces-closed');
  });

  test('that end while being entered give no notice', async () => {
    container(500, 60);
    kernel.closed.set(500, Object.assign(new Error('gone'), { code: 'ENOENT' }));
    expect((await read(LISTEN)).degradations.filter(({ code }) => code !== 'owners-hidden')).toEqual([]);
  });

  test('of unreadable processes are reported with the reason, for root without CAP_SYS_PTRACE', async () => {
    fake.write('self/status', 'CapEff:\t000001fffff7ffff\n');
    proc.forbidden.add('60/ns/net').add('61/ns/net');
    container(500, 60);
    container(500, 61);
    open();
    expect(notice(await read(LISTEN), 'one-namespace')).toBe(
      'only the network namespace that netpane runs in is shown: netpane runs as root without CAP_SYS_PTRACE',
    );
    container(501, 62);
    await read(LISTEN);
    expect(notice(await read(LISTEN), 'namespaces-unseen')).toBe(
      'the network namespace of 2 processes is hidden, so that sockets may be missing: ' +
        'netpane runs as root without CAP_SYS_PTRACE',
    );
  });

  test('of a process that even root may not read are reported', async () => {
    proc.forbidden.add('60/ns/net');
    container(500, 60);
    expect(notice(await read(LISTEN), 'namespaces-unseen')).toBe(
      'the network namespace of 1 process is hidden, so that sockets may be missing: ' +
        'the kernel refuses even root',
    );
  });

  test('outside of a pid namespace are reported as hidden', async () => {
    fake.link('self/ns/pid', 'pid:[4026532178]');
    open();
    expect(notice(await read(LISTEN), 'one-namespace')).toBe(
      'only the network namespace that netpane runs in is shown: ' +
        'netpane runs in a pid namespace: run it outside of this container',
    );
  });

  test('keep their ping sockets while the table cannot be read, and say so', async () => {
    fake.write('self/net/icmp', tableText([{ local: '0.0.0.0:9', state: '07', inode: 40 }]));
    const first = await read();
    proc.forbidden.add('self/net/icmp');
    const second = await read();
    expect(only(second).id).toBe(only(first).id);
    expect(notice(second, 'tables-unread')).toBe(
      'icmp sockets in /proc/net could not be read: they are missing or outdated',
    );
  });

  test('have their ping sockets read, also without a process', async () => {
    const path = `${fake.root}/../run/netns/blue`;
    fake.write('../run/netns/blue', '');
    const { ino } = statSync(path);
    fake.write('self/mountinfo', `50 42 0:4 net:[${ino}] ${path} rw - nsfs nsfs rw\n`);
    kernel.networks.set(ino, new FakeNetwork());
    fake.write('thread-self/net/icmp', tableText([{ local: '0.0.0.0:9', state: '07', inode: 40 }]));
    expect(only(await read()).netns).toEqual({ inode: ino, name: 'blue' });
  });

  test('show users by number if their names cannot be read', async () => {
    proc.forbidden.add('../etc/passwd');
    const snapshot = await read(LISTEN);
    expect(only(snapshot)).toMatchObject({ uid: 1000 });
    expect(notice(snapshot, 'users-unread')).toBe(
      'users are shown by number: their names cannot be read (EACCES)',
    );
  });

  test('with unreadable interfaces are reported', async () => {
    kernel.own.trouble.set('links', { errno: 105 });
    const snapshot = await read(LISTEN);
    expect(notice(snapshot, 'interfaces-unread')).toBe(
      'the interfaces of 1 network namespace could not be read; they are missing or out of date: error 105',
    );
  });

  test('besides that of netpane are not shown to an ordinary user, who gets a notice', async () => {
    open({ isRoot: false });
    expect(codes(await read())).toEqual(['one-namespace']);
  });
});
