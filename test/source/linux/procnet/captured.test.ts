import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { ProcNetSource } from '../../../../src/source/linux/procnet/procnet.ts';
import { ownersText } from '../../../helpers/fakes.ts';

const FIXTURE = fileURLToPath(new URL('../../../../fixtures/linux/proc', import.meta.url));

/** Returns `192.0.2.1 80`: a space, because an IPv6 address has colons. */
const endpointText = ({ address, port }: { address: string; port: number }) => `${address} ${port}`;

const tupleText = ({ local, remote }: Socket) =>
  `${endpointText(local)}${remote ? ` → ${endpointText(remote)}` : ''}`;

// fixtures/linux/README.md describes the processes and their sockets.
describe('a captured /proc', () => {
  const read = (options: { isRoot?: boolean } = {}) =>
    new ProcNetSource({ procRoot: FIXTURE, nowMs: () => 0, isRoot: true, ...options }).read();
  const sockets = async () => [...(await read()).sockets.values()];

  test('gives the owners of every socket', async () => {
    const lines = (await sockets()).map((it) => `${it.protocol} ${tupleText(it)}: ${ownersText(it)}`);
    expect(lines.sort()).toEqual(
      [
        // Pid 1 opened it and still holds it: the process that serves comes first.
        'tcp 0.0.0.0 80: exact web (main) 1 14, exact init 1',
        // Not accepted yet: no process holds it, and the owner is that of its listener. The first one is in SYN_RECV.
        'tcp 192.0.2.10 80 → 192.0.2.99 40404: listener web (main) 1 14, listener init 1',
        'tcp 127.0.0.1 7777 → 127.0.0.1 40008: listener busy 20',
        'tcp 127.0.0.1 7777: exact busy 20',
        'tcp 127.0.0.1 40008 → 127.0.0.1 7777: exact busy 20',
        'tcp 127.0.0.1 40009 → 127.0.0.1 7777: exact busy 20',
        'tcp 127.0.0.1 5432: exact postgres 15, exact postgres: work 16',
        'tcp 127.0.0.1 5432 → 127.0.0.1 40001: exact postgres 15',
        'tcp 127.0.0.1 40001 → 127.0.0.1 5432: exact postgres 15',
        'tcp 127.0.0.53 53: exact systemd-resolved 17',
        'udp 127.0.0.53 53: exact systemd-resolved 17',
        'udp 192.0.2.10 40010 → 192.0.2.10 53: exact systemd-resolved 17',
        'udp 2001:db8::10 40011 → 2001:db8::10 53: exact systemd-resolved 17',
        'udp :: 546: exact systemd-resolved 17',
        'udp 0.0.0.0 5353: exact systemd-resolved 17',
        'udp 0.0.0.0 5353: exact avahi-daemon 18',
        'tcp :: 8080: exact node 19',
        'tcp ::1 9000: exact node 19',
        'tcp fe80::1%v0 7000: exact node 19',
        'tcp fe80::1%v0 7000 → fe80::1%v0 40004: exact node 19',
        'tcp fe80::1%v0 40004 → fe80::1%v0 7000: exact node 19',
        'tcp 192.0.2.10 40002 → 192.0.2.10 8080: exact node 19',
        'tcp ::ffff:192.0.2.10 8080 → ::ffff:192.0.2.10 40002: exact node 19',
        'tcp 2001:db8::10 40003 → 2001:db8::10 8080: exact node 19',
        'tcp 2001:db8::10 8080 → 2001:db8::10 40003: exact node 19',
        'tcp ::1 40006 → ::1 9000: exact node 19',
        'tcp ::1 9000 → ::1 40006: exact node 19',
        'tcp ::1 9000 → ::1 40007: exact node 19',
        // Orphaned (FIN_WAIT2) and TIME_WAIT: no process holds them, and no poll has seen an owner.
        'tcp ::1 40007 → ::1 9000: gone - -',
        'tcp 192.0.2.10 40005 → 192.0.2.10 8080: gone - -',
      ].sort(),
    );
  });

  test('gives users by name, and none in TIME_WAIT', async () => {
    const users = Object.fromEntries((await sockets()).map((it) => [tupleText(it), it.user]));
    expect(users).toMatchObject({ '0.0.0.0 80': 'root', '127.0.0.1 5432': 'postgres', ':: 8080': 'ana' });
    // The kernel reports uid 0 for every connection in TIME_WAIT.
    expect(users['192.0.2.10 40005 → 192.0.2.10 8080']).toBeUndefined();
  });

  test('has 30 sockets, each under its id, and causes no notice', async () => {
    const { degradations, sockets: all } = await read();
    expect(degradations).toEqual([]);
    expect(all.size).toBe(30);
    expect([...all.keys()]).toEqual([...all.values()].map(({ id }) => id));
  });

  test('gives the complete name, the command line and the executable of a process whose name is cut', async () => {
    const owner = (await sockets()).find(({ local }) => local.address === '127.0.0.53')?.owners[0];
    expect(owner).toMatchObject({
      process: 'systemd-resolved',
      command: expect.stringMatching(/^\/lib\/systemd\/systemd-resolved capture\.py/) as string,
      exe: '/usr/bin/python3.11',
    });
    expect(new Date(owner?.startedAtMs ?? 0).getUTCFullYear()).toBeGreaterThan(2020);
  });

  test('gives the same map of sockets in each poll while nothing changes', async () => {
    const source = new ProcNetSource({ procRoot: FIXTURE, nowMs: () => 0, isRoot: true });
    const first = await source.read();
    for (let i = 0; i < 35; i++) expect((await source.read()).sockets).toBe(first.sockets);
  });
});
