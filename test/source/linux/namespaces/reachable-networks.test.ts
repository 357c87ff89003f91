import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { diff } from '../../../../src/sampler/diff.ts';
import { NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import {
  codes,
  container,
  fake,
  HELD,
  kernel,
  LISTEN,
  notice,
  only,
  open,
  OWN,
  owners,
  proc,
  read,
  source,
  start,
  useFakeSockDiag,
  useProcAt,
} from '../../../helpers/fake-sockdiag.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import { FakeNetwork } from '../../../helpers/netlink/kernel.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

useFakeSockDiag();

describe('namespaces', () => {
  describe('more than the descriptors allow', () => {
    const fill = () => {
      for (const [i, inode] of [500, 501, 502].entries())
        container(inode, 60 + i, { ...LISTEN, cookie: 10 + i, inode: 70 + i });
    };

    test('are all read', async () => {
      kernel.descriptorsLeft = 4;
      fill();
      for (let i = 0; i < 3; i++) {
        const snapshot = await read(LISTEN);
        expect([...snapshot.sockets.keys()].sort()).toEqual(['sk:1', 'sk:a', 'sk:b', 'sk:c']);
        expect(snapshot.interfaces).toHaveLength(4);
        expect(codes(snapshot)).not.toContain('namespaces-failed');
        // The own namespace, and the only other one for which descriptors are left; the rest is opened in each poll.
        expect(kernel.openCount).toBe(2);
      }
    });

    test('are counted if they have no descriptor for close messages', async () => {
      kernel.descriptorsLeft = 4;
      fill();
      open({ events: true });
      expect(notice(await read(LISTEN), 'few-descriptors')).toBe(
        'sockets that close between two polls in 1 network namespace are missed: ' +
          'too few file descriptors (raise ulimit -n)',
      );
      source.close();
      expect([kernel.descriptorsLeft, kernel.openCount]).toEqual([4, 0]);
    });

    test('are kept open once descriptors are free', async () => {
      kernel.descriptorsLeft = 3;
      fill();
      open({ events: true });
      expect(codes(await read(LISTEN))).toContain('few-descriptors');
      fake.remove('60');
      kernel.descriptorsLeft = 9;
      let snapshot = await read(LISTEN);
      for (let i = 0; i < 20; i++) snapshot = await read(LISTEN);
      expect(codes(snapshot)).not.toContain('few-descriptors');
      expect([...snapshot.sockets.keys()].sort()).toEqual(['sk:1', 'sk:b', 'sk:c']);
    });

    test('that cannot be opened are reported and tried again', async () => {
      container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
      kernel.closed.set(500, new NativeError('a netlink socket', 12, 'ENOMEM'));
      expect(notice(await read(LISTEN), 'namespaces-failed')).toBe(
        '1 network namespace could not be opened, its sockets are not shown: a netlink socket: ENOMEM',
      );
      kernel.closed.clear();
      const snapshot = await read(LISTEN);
      expect(codes(snapshot)).not.toContain('namespaces-failed');
      expect(snapshot.sockets.size).toBe(2);
    });
  });

  describe('in which no process has its main thread', () => {
    const HIDDEN: InetFields = { ...LISTEN, cookie: 10, inode: 70 };
    const hide = (): FakeNetwork => {
      const network = new FakeNetwork();
      network.sockets = [HIDDEN];
      kernel.networks.set(500, network);
      return network;
    };

    test('are found by a descriptor in the first poll', async () => {
      hide();
      start(50, 'keeper', 70);
      fake.link('50/fd/9', 'net:[500]');
      const { sockets } = await read(LISTEN);
      expect(sockets.get('sk:a')?.netns).toEqual({ inode: 500 });
      expect(ownersText(sockets.get('sk:a') as Socket)).toBe('exact keeper 50');
    });

    test('are found by a passed socket, and stay open while a process holds a socket in them', async () => {
      const network = hide();
      start(50, 'taker', 70);
      kernel.namespaceOfDescriptor.set(3, 500);
      expect((await read(LISTEN)).sockets.get('sk:a')?.netns).toEqual({ inode: 500 });
      // The namespace is open by now, so it stays readable when the passed socket closes.
      fake.link('50/fd/4', 'socket:[70]');
      fake.remove('50/fd/3');
      for (let i = 0; i < 5; i++) expect((await read(LISTEN)).sockets.has('sk:a')).toBe(true);
      network.sockets = [];
      fake.remove('50');
      for (let i = 0; i < 3; i++) await read(LISTEN);
      expect(kernel.openCount).toBe(1);
    });

    test('stay open after their last process ends while another one holds a socket in them', async () => {
      container(500, 60, HIDDEN);
      fake.link('60/fd/3', 'socket:[70]');
      start(50, 'taker', 70);
      const first = await read(LISTEN);
      fake.remove('60');
      let last = first;
      for (let i = 0; i < 20; i++) last = await read(LISTEN);
      expect(diff(first.sockets, last.sockets)).toMatchObject({ spawned: [], closed: [] });
      expect(kernel.opened).toBe(2);
    });

    test('are closed with the poll that misses their last process and sockets', async () => {
      const network = container(500, 60, HIDDEN);
      fake.link('60/fd/3', 'socket:[70]');
      await read(LISTEN);
      await read(LISTEN);
      fake.remove('60');
      network.sockets = [];
      await read(LISTEN);
      await read(LISTEN);
      expect(kernel.openCount).toBe(1);
    });

    test('are not found: TCP sockets that no dump lists are counted', async () => {
      fake.write('net/sockstat', 'TCP: inuse 1 orphan 0 tw 0 alloc 3 mem 0\n');
      expect(notice(await read(LISTEN), 'tcp-unlisted')).toBe(
        '2 TCP sockets missing from the socket lists of the kernel: not bound yet, closed but still held by a process, ' +
          'or in a network namespace that netpane cannot enter',
      );
      expect(codes(await read(LISTEN, HELD, { ...HELD, cookie: 3 }))).not.toContain('tcp-unlisted');
    });
  });

  describe('without /proc', () => {
    test('shows the sockets of the own namespace, and says what is missing', async () => {
      useProcAt(`${fake.root}/nowhere`);
      open();
      const snapshot = await read(LISTEN, HELD);
      expect([...snapshot.sockets.keys()]).toEqual(['sk:1', 'sk:2']);
      expect(only(await read(LISTEN))).not.toHaveProperty('netns');
      expect(owners(snapshot)).toEqual(['hidden - -', 'hidden - -']);
      expect(codes(snapshot)).toEqual(['owners-hidden', 'no-proc']);
      expect(notice(snapshot, 'owners-hidden')).toContain('/proc cannot be read');
      expect(notice(snapshot, 'no-proc')).toMatch(
        /^\/proc cannot be read \(ENOENT.*\): programs, other network namespaces and ping sockets are not shown$/,
      );
    });

    test('keeps all sockets when /proc becomes unreadable, and says so', async () => {
      start(50, 'web', 7);
      container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
      const first = await read(LISTEN);
      proc.isGone = true;
      await read(LISTEN);
      const second = await read(LISTEN);
      expect([...second.sockets.keys()]).toEqual([...first.sockets.keys()]);
      expect(codes(second)).toContain('no-proc');
      proc.isGone = false;
      await read(LISTEN);
      expect(codes(await read(LISTEN))).not.toContain('no-proc');
    });

    test('knows the own namespace once /proc becomes readable', async () => {
      proc.isGone = true;
      open();
      expect(only(await read(LISTEN))).not.toHaveProperty('netns');
      proc.isGone = false;
      await read(LISTEN);
      expect(only(await read(LISTEN)).netns).toEqual({ inode: OWN, name: 'host', own: true });
    });
  });
});
