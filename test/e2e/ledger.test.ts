// The ledger in the kernel, as root: traffic of UDP, raw and ping sockets with their programs, and nothing of it is left when
// netpane ends.
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { eventually, type HerdSocket } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { noLedger, whyNoLedger } from './ledger-scene.ts';
import {
  faults,
  newHerd,
  type PollControl,
  pollsByHand,
  rowOf,
  startNetpane,
  tableRows,
  uniqueName,
} from './netpane.ts';
import { Stage } from './stage.ts';

describe.skipIf(noLedger !== undefined)(`the ledger${whyNoLedger}`, () => {
  test('shows bytes and rates of UDP sockets over IPv4 and IPv6, connected or not', async () => {
    const herd = newHerd();
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-s` }),
      herd.spawn({ title: `${name}-c` }),
    ]);
    const open = async (host: string) => {
      const receiver = await server.udp({ host });
      return {
        receiver,
        connected: await client.udp({ host, to: receiver.local }),
        free: await client.udp({ host }),
      };
    };
    const flows = [await open('127.0.0.1'), await open('::1')];
    const polls = pollsByHand();
    const t = startNetpane({ ...polls.start, cols: 180, args: ['--process', name, '--interval', '100ms'] });
    const bytesOf = (socket: HerdSocket) => {
      const row = rowOf(t, socket);
      return row && [row.rxBytes, row.txBytes];
    };
    const sockets = flows.flatMap(Object.values<HerdSocket>);
    await t.until('the first poll', () => polls.areDone() && sockets.every(bytesOf));
    // Nothing is known of the time before netpane started.
    for (const socket of sockets) expect(bytesOf(socket)).toEqual(['0', '0']);
    for (const { receiver, connected, free } of flows) {
      await client.datagrams(connected, 30, 1000);
      await client.datagrams(free, 7, 100, receiver.local);
    }
    polls.allow(1);
    await t.until('the traffic', () => flows.every(({ receiver }) => bytesOf(receiver)?.[0] === '31k'));
    for (const { connected, free } of flows) {
      expect(bytesOf(connected)).toEqual(['0', '30k']);
      expect(bytesOf(free)).toEqual(['0', '700']);
      expect(rowOf(t, free)?.txRate).toMatch(/^[1-9]/);
    }
  });

  describe('counts packets without the header of IP', () => {
    let stage: Stage;
    let t: Terminal;
    let polls: PollControl;
    beforeAll(async () => {
      polls = pollsByHand();
      stage = await Stage.create();
      await stage.runOther('sh', '-c', 'echo 0 0 > /proc/sys/net/ipv4/ping_group_range');
      t = startNetpane({
        ...polls.start,
        through: [...stage.through],
        cols: 180,
        args: ['--netns', String(stage.netns), '--interval', '100ms'],
      });
      await t.until('the first poll', () => polls.areDone());
    });

    test.for([
      ['udplite', ['500', '500']],
      ['ping', ['500', '500']],
      // A raw socket gets the requests too, over loopback: they arrive at this machine.
      ['raw', ['1.0k', '500']],
      ['raw-tcp', ['500', '500']],
      ['raw-udp', ['500', '500']],
    ] as const)('of a %s socket', async ([kind, wanted], { skip }) => {
      skip(kind === 'udplite' && !existsSync('/proc/net/udplite'), 'this kernel has no UDP-Lite');
      const program = await stage.echo({ count: 5, kind });
      const shown = () => tableRows(t).find(({ pid }) => Number(pid) === program.pid);
      const row = await t.until('the socket', () => {
        if (!polls.areDone()) return undefined;
        const found = shown();
        // Another timer of the sampling thread may have taken the permission.
        if (found === undefined) polls.allow(1);
        return found;
      });
      expect([row.process, row.rxBytes, row.txBytes], t.text()).toEqual([program.name, ...wanted]);
      await program.end();
    });
  });

  test('names program and peer of short connections that are only counted, and counts each once', async () => {
    const count = 3000;
    const stage = await Stage.create();
    const server = await stage.serve();
    const polls = pollsByHand();
    const t = startNetpane({
      ...polls.start,
      through: [...stage.through],
      cols: 200,
      args: ['--netns', String(stage.netns), '--interval', '100ms'],
    });
    await t.until('the first poll', () => polls.areDone());
    t.write('e');
    // Far more than one batch shows.
    const client = await stage.run('visit', { port: server.port, count, endings: 'c' });
    polls.allow(1);
    const sums = () =>
      Array.from(t.text().matchAll(/ # (\S+) +(\d+) (.*?) +([\d,]+) short connections/g), (it) => ({
        program: it.slice(1, 4).join(' '),
        count: Number(it[4]?.replaceAll(',', '')),
      }));
    await t.until('the sums', () => sums().length === 2);
    expect(sums().map(({ program }) => program)).toEqual([
      `${client.name} ${client.pid} tcp → 127.0.0.1:${server.port}`,
      `${server.name} ${server.pid} tcp :${server.port} ← 127.0.0.1`,
    ]);
    const counted = sums().reduce((sum, it) => sum + it.count, 0);
    // Each shown one has a spawn and a close.
    const events = Number(/EVENTS .* · ([\d,]+) of/.exec(t.text())?.[1]?.replaceAll(',', ''));
    expect(counted + (events - sums().length) / 2).toBe(2 * count);
    expect(t.text()).toMatch(/[\d,]+ short connections only counted: the event log has programs and peers/);
  });

  describe('leaves nothing in the kernel', () => {
    /** BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID and BPF_LINK_GET_NEXT_ID. */
    const NEXT_ID = { programs: 11, maps: 12, links: 31 } as const;
    /** The objects of one ledger in the kernel. */
    const LEDGER = { programs: 5, maps: 4, links: 5 };
    const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
    let native: Native;
    beforeAll(async () => {
      native = await Native.load();
    });

    /** Returns the ids of all BPF objects of a kind on the machine. */
    function idsOf(kind: keyof typeof NEXT_ID): number[] {
      const attributes = native.allocate(12);
      const ids: number[] = [];
      for (let id = 0; ; ids.push(id)) {
        attributes.view.setUint32(0, id, true);
        if (native.systemCall(SYS_BPF, NEXT_ID[kind], Number(attributes.address), 12) !== 0) return ids;
        id = attributes.view.getUint32(4, true);
      }
    }
    const allIds = () => ({ programs: idsOf('programs'), maps: idsOf('maps'), links: idsOf('links') });

    /** Waits until the kernel has the objects of `count` ledgers more than before. */
    function ledgers(count: number, before: ReturnType<typeof allIds>): Promise<unknown> {
      const kinds = Object.keys(NEXT_ID) as (keyof typeof NEXT_ID)[];
      const added = () => kinds.map((kind) => idsOf(kind).filter((id) => !before[kind].includes(id)).length);
      const wanted = kinds.map((kind) => count * LEDGER[kind]);
      return eventually(
        () => `${wanted.join()} instead of ${added().join()} of ${kinds.join()}`,
        () => added().join() === wanted.join(),
      );
    }

    test('when it is ended or killed, and another netpane goes on', async () => {
      const stage = await Stage.create();
      const server = await stage.serve();
      const before = allIds();
      const ended = stage.start({});
      const killed = stage.start({});
      const other = stage.start({});
      for (const watcher of [ended, killed, other]) await stage.untilItReports(watcher, server);
      await ledgers(3, before);
      ended.program.child.kill('SIGTERM');
      await ended.program.ended;
      await ledgers(2, before);
      killed.program.child.kill('SIGKILL');
      await killed.program.ended;
      await ledgers(1, before);
      const client = await stage.run('visit', { port: server.port, count: 20, endings: 'cs' });
      await other.closes(40, server.port);
      const near = [...other.bySocket(({ remote }) => remote?.port === server.port).values()];
      const closes = near.map((events) => events.find(({ type }) => type === 'close')?.socket.owners[0]);
      expect(closes.filter((owner) => owner?.pid === client.pid && owner.knowledge === 'exact')).toHaveLength(
        20,
      );
      expect(other.gaps).toEqual([]);
      other.program.child.kill('SIGTERM');
      await other.program.ended;
      await ledgers(0, before);
    });
  });

  test('names the next best source and says what is missing if the kernel refuses the ledger', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const { program } = await stage.watch(await stage.serve());
    await program.until('the notice', () =>
      program.stderr.includes(
        'bytes of UDP and raw sockets are not counted (access to bpf(2) denied): sums leave them out',
      ),
    );
  });

  test('says on the screen which source replaces the ledger, and that bytes of UDP are unknown and why', async () => {
    const stage = await Stage.create();
    const t = startNetpane({
      through: [...stage.through],
      nodeArgs: ['--require', faults],
      env: { NETPANE_FAULT: 'no-ledger' },
      cols: 180,
      args: ['--netns', String(stage.netns)],
    });
    await t.until('the header', () => /live events: all changes/.test(t.text()));
    // The line of notices may have no room for this one: the help lists all.
    t.write('?');
    await t.until('the help', () =>
      t
        .text()
        .includes(
          'bytes of UDP and raw sockets are not counted (access to bpf(2) denied): sums leave them out',
        ),
    );
  });
});
