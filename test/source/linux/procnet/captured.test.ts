import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { ProcNetSource } from '../../../../src/source/linux/procnet/procnet.ts';
import { ownersText } from '../../../helpers/fakes.ts';

const FIXTURE = fileURLToPath(new URL('../../../../fixtures/linux/proc', import.meta.url));

/** `192.0.2.1:80`, whatever the family. */
const endpointText = ({ address, port }: { address: string; port: number }) => `${address} ${port}`;

const tupleText = ({ local, remote }: Socket) =>
  `${endpointText(local)}${remote ? ` → ${endpointText(remote)}` : ''}`;

describe('a captured /proc', () => {
  const read = (options: { isRoot?: boolean } = {}) =>
    new ProcNetSource({ procRoot: FIXTURE, nowMs: () => 0, isRoot: true, ...options }).read();
  const sockets = async () => [...(await read()).sockets.values()];

  test('every socket has its owners', async () => {
    const lines = (await sockets()).map((it) => `${it.protocol} ${tupleText(it)}: ${ownersText(it)}`);
    expect(lines.sort()).toEqual(
      [
        // Pid 1 opened it and holds it still; the one that serves comes first.
        'tcp 0.0.0.0 80: exact web (main) 1 14, exact init 1',
        // Not accepted, and not even established: the listener's.
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
        // Let go before netpane came: whose they were is not known.
        'tcp ::1 40007 → ::1 9000: gone - -',
        'tcp 192.0.2.10 40005 → 192.0.2.10 8080: gone - -',
      ].sort(),
    );
  });

  test('users by name', async () => {
    const users = Object.fromEntries((await sockets()).map((it) => [tupleText(it), it.user]));
    expect(users).toMatchObject({ '0.0.0.0 80': 'root', '127.0.0.1 5432': 'postgres', ':: 8080': 'ana' });
    // The kernel reports uid 0 for every connection in TIME_WAIT.
    expect(users['192.0.2.10 40005 → 192.0.2.10 8080']).toBeUndefined();
  });

  test('nothing is missed, and nothing claims to be', async () => {
    const { degradations, sockets: all } = await read();
    expect(degradations).toEqual([]);
    expect(all.size).toBe(30);
    expect([...all.keys()]).toEqual([...all.values()].map(({ id }) => id));
  });

  test('the program that has a command line of its own', async () => {
    const owner = (await sockets()).find(({ local }) => local.address === '127.0.0.53')?.owners[0];
    expect(owner).toMatchObject({
      process: 'systemd-resolved',
      command: expect.stringMatching(/^\/lib\/systemd\/systemd-resolved capture\.py/) as string,
      exe: '/usr/bin/python3.11',
    });
    expect(new Date(owner?.startedAtMs ?? 0).getUTCFullYear()).toBeGreaterThan(2020);
  });

  test('read again it is the very same', async () => {
    const source = new ProcNetSource({ procRoot: FIXTURE, nowMs: () => 0, isRoot: true });
    const first = await source.read();
    for (let i = 0; i < 35; i++) expect((await source.read()).sockets).toBe(first.sockets);
  });
});
