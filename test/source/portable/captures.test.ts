import { join } from 'node:path';
import { expect, test } from 'vitest';
import { portableSource } from '../../../src/source/portable/portable.ts';
import {
  runSystemInformation,
  print,
  fakeSi,
  exists,
  snapshotOf,
  lines,
  codes,
  shorts,
  FIXTURES,
  rawProcess,
} from '../../helpers/systeminformation.ts';

// The stand-in commands are shell scripts.
const posix = test.skipIf(process.platform === 'win32');

posix('macOS 26: process:pid column, names with spaces, scopes, kernel sockets, UDP', async () => {
  const ps = `case "$*" in *pid,command) ${print('darwin/ps-26.txt')};; *) ${print('darwin/ps-26-full.txt')};; esac`;
  const snapshot = await snapshotOf('darwin', { netstat: print('darwin/netstat-26.txt'), ps });
  expect(lines(snapshot)).toEqual([
    'tcp | 192.0.2.131 22 | 198.51.100.7 33556 | ESTABLISHED | inherited 4976 sshd-session',
    'tcp | 127.0.0.1 49515 | 127.0.0.1 49472 | ESTABLISHED | inherited 22712 Autodesk Fusion',
    'tcp | 127.0.0.1 49510 | 127.0.0.1 49513 | ESTABLISHED | inherited 22712 Autodesk Fusion',
    'tcp | 127.0.0.1 51836 | - | LISTEN | inherited 53082 node',
    'tcp6 | :: 3283 | - | LISTEN | inherited 1039 ARDAgent',
    'tcp6 | :: 49615 | - | LISTEN | inherited 1232 io.tailscale.ipn.macsys.network-extension',
    'tcp6 | :: 88 | - | LISTEN | inherited 910 kdc',
    'tcp6 | fe80::e484:d5ff:fe12:3456%utun3 64032 | fe80::64f0:d9ff:fe65:4321%utun3 49161 | ESTABLISHED | inherited 704 rapportd',
    'tcp | 192.0.2.30 61042 | 192.0.2.2 445 | ESTABLISHED | kernel',
    'tcp | 127.0.0.1 64810 | 127.0.0.1 8443 | TIME_WAIT | gone',
    'udp | 0.0.0.0 5353 | - | - | inherited 390 mDNSResponder',
    'udp6 | :: 5353 | - | - | inherited 390 mDNSResponder',
    'udp | 192.0.2.30 63770 | 203.0.113.67 443 | ESTABLISHED | inherited 21037 Google Chrome Helper',
  ]);
  expect(snapshot.degradations).toEqual([]);

  const ownerOf = (pid: number) =>
    [...snapshot.sockets.values()].flatMap((it) => it.owners).find((it) => it.pid === pid);
  const day = 86_400_000;
  expect(ownerOf(390)).toMatchObject({ user: '_mdnsresponder', exe: '/usr/sbin/mDNSResponder' });
  const ageMs = Date.now() - (ownerOf(390)?.startedAtMs ?? 0);
  expect(Math.round(ageMs / day)).toBe(12);
  expect(ownerOf(53082)).toMatchObject({
    exe: '/opt/homebrew/bin/node',
    command: '/opt/homebrew/bin/node dist/main.js --port 51836',
  });
});

posix('macOS 15: ignores a pid that no process has', async () => {
  const ps = `printf '  PID COMMAND\\n 2903 /usr/sbin/one\\n 5767 /usr/sbin/two\\n75236 /usr/sbin/three\\n'`;
  const answers = runSystemInformation('darwin', { netstat: print('darwin/netstat-15.1.txt'), ps });
  const processes = { list: [rawProcess({ pid: 2903, name: 'one', command: 'one', path: '/usr/sbin' })] };
  const source = portableSource({ platform: 'darwin', si: fakeSi({ ...answers, processes }), exists });
  const snapshot = await source.read();
  // Process 74164 has ended. For SYN_RCVD, which systeminformation does not know, it reads the column before the pid.
  expect(lines(snapshot)).toEqual([
    'tcp | 192.168.1.233 52137 | 203.0.113.85 443 | ESTABLISHED | inherited 2903 one',
    'tcp | 192.168.1.233 52126 | 198.51.100.58 443 | ESTABLISHED | inherited 5767 two',
    'tcp | 192.168.1.233 52125 | 198.51.100.58 443 | ESTABLISHED | inherited 75236 three',
    'tcp | 192.168.1.233 52094 | 192.0.2.231 443 | ESTABLISHED | hidden',
    'tcp | 192.168.1.233 52140 | 203.0.113.85 443 | - | hidden',
  ]);
  expect(shorts(snapshot)).toEqual(['2 owners hidden', '1 state unknown']);
});

posix(
  'macOS 10.13: older columns, sockets with equal endpoints, truncated addresses, closed connections',
  async () => {
    // Only the short process list works; the one with users and ages fails.
    const ps = `case "$*" in *pid,command) ${print('darwin/ps-10.13.txt')};; *) exit 1;; esac`;
    const snapshot = await snapshotOf('darwin', { netstat: print('darwin/netstat-10.13.txt'), ps });
    const all = lines(snapshot);
    expect(all).toHaveLength(22);
    expect(all).toEqual(
      expect.arrayContaining([
        'tcp | 192.168.1.98 51741 | 203.0.113.122 443 | ESTABLISHED | inherited 704 Google Chrome',
        'tcp6 | 2001:db8:7c00:43… 51737 | 2001:db8:803:1:: 443 | ESTABLISHED | inherited 704 Google Chrome',
        'tcp6 | fe80::ab45:b3fd:… 1025 | fe80::cdac:d366:… 1026 | ESTABLISHED | inherited 360 identityservicesd',
        'tcp | 127.0.0.1 49399 | - | LISTEN | inherited 848 node',
        'tcp | 192.168.1.98 50537 | 192.0.2.142 5223 | ESTABLISHED | inherited 94 apsd',
        'tcp | 192.168.1.98 51745 | 192.0.2.1 443 | TIME_WAIT | gone',
        'udp | 0.0.0.0 0 | - | - | inherited 401 UserEventAgent',
        'udp | 0.0.0.0 0 | - | - | inherited 335 airportd',
      ]),
    );
    expect(all.filter((line) => line.startsWith('udp6 | :: 5353 |'))).toHaveLength(2);
    expect(codes(snapshot)).toContain('cut-addresses');
  },
);

const windows = (file: string): Record<string, string> => ({
  netstat: `sed 's/$/\\r/' '${join(FIXTURES, file)}'`,
  'powershell.exe': print('win32/processes.json'),
});

posix('Windows: listeners, UDP, IPv6 scopes, closed connections, names from the process list', async () => {
  const snapshot = await snapshotOf('win32', windows('win32/netstat-nao.txt'));
  const all = lines(snapshot);
  expect(all).toHaveLength(26);
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp | 0.0.0.0 21 | - | LISTEN | exact 2088 FileZilla Server.exe',
      'tcp | 0.0.0.0 80 | - | LISTEN | exact 4 System',
      'tcp | 10.129.58.16 3389 | 10.10.14.164 50484 | ESTABLISHED | exact 972 svchost.exe',
      'tcp | 127.0.0.1 8411 | 127.0.0.1 58296 | TIME_WAIT | gone',
      'tcp6 | :: 135 | - | LISTEN | exact 840 svchost.exe',
      'tcp6 | ::1 14147 | - | LISTEN | exact 2088 FileZilla Server.exe',
      'udp | 0.0.0.0 123 | - | - | exact 1052 svchost.exe',
      'udp6 | fe80::5196:1234:5678:5de9%2 1900 | - | - | exact 3668 svchost.exe',
      // Not in the process list: shown by pid.
      'tcp | 127.0.0.1 49671 | 127.0.0.1 49672 | ESTABLISHED | exact 2312',
    ]),
  );
  // No line counts as unreadable, the heading included.
  expect(shorts(snapshot)).toEqual(['1 name missing']);
  const owners = [...snapshot.sockets.values()].flatMap((it) => it.owners);
  expect(owners.find((it) => it.pid === 1052)).toMatchObject({
    exe: 'C:\\Windows\\System32\\svchost.exe',
    command: 'C:\\Windows\\System32\\svchost.exe -k LocalService -s W32Time',
    startedAtMs: new Date(2026, 2, 4, 5, 6, 7).getTime(),
  });
  expect(owners.find((it) => it.pid === 2088)).toMatchObject({
    startedAtMs: new Date(2026, 2, 4, 5, 6, 9).getTime(),
  });
  expect(owners.find((it) => it.pid === 4)).not.toHaveProperty('command');
});

posix('German Windows: German state names in code page 850', async () => {
  const snapshot = await snapshotOf('win32', windows('win32/netstat-nao-german.txt'));
  expect(lines(snapshot).map((line) => line.split(' | ').slice(1, 4).join(' | '))).toEqual([
    '127.0.0.1 49181 | - | LISTEN',
    '127.0.0.1 49181 | 127.0.0.1 49202 | ESTABLISHED',
    '127.0.0.1 49186 | - | LISTEN',
    '127.0.0.1 49186 | 127.0.0.1 49273 | CLOSE_WAIT',
    '127.0.0.1 49187 | 127.0.0.1 50124 | TIME_WAIT',
    '127.0.0.1 49190 | 127.0.0.1 50125 | FIN_WAIT2',
    ':: 135 | - | LISTEN',
    '0.0.0.0 5353 | - | -',
  ]);
});

const linux = (list: Readonly<Record<string, string>>): Record<string, string> => ({
  ...list,
  ps: print('linux/ps.txt'),
});

posix('Linux: listeners with equal endpoints, whole names, marked truncated addresses, notices', async () => {
  const snapshot = await snapshotOf('linux', linux({ netstat: print('linux/netstat-tunap.txt') }));
  const node = /exact \d+ node$/;
  const all = lines(snapshot).map((line) => line.replace(node, 'node'));
  // 21 lines without the three UDP sockets that have no state.
  expect(all).toHaveLength(18);
  expect(all.filter((line) => line.includes('metrics-collector-agent'))).toHaveLength(2);
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp | 127.0.0.1 8080 | - | LISTEN | node',
      'tcp | 127.0.0.1 51520 | 127.0.0.1 8080 | FIN_WAIT2 | node',
      'tcp | 127.0.0.1 51522 | 127.0.0.1 8080 | TIME_WAIT | gone',
      'tcp | 192.0.2.10 51524 | 192.0.2.80 81 | SYN_SENT | node',
      'tcp6 | :: 443 | - | LISTEN | node',
      'tcp6 | 2001:db8:85a3:8d3:1… 443 | 2001:db8:85a3:8d3… 51514 | ESTABLISHED | node',
      'tcp6 | 2001:db8::1 443 | 2001:db8::1 51516 | ESTABLISHED | node',
      'tcp6 | ::ffff:127.0.0.1 443 | ::ffff:127.0.0.1 51518 | ESTABLISHED | node',
      'udp | 127.0.0.1 51526 | 127.0.0.1 5353 | ESTABLISHED | node',
    ]),
  );
  expect(shorts(snapshot)).toEqual(['UDP incomplete', '2 addresses truncated']);
});

posix(
  'Linux, ordinary user: owners of other users are hidden, and the notice says how to see them',
  async () => {
    const snapshot = await snapshotOf('linux', linux({ netstat: print('linux/netstat-tunap-user.txt') }));
    const states = lines(snapshot).map((line) => line.split(' | ').slice(3).join(' '));
    expect(states).toContain('LISTEN hidden');
    expect(states).toContain('TIME_WAIT gone');
    const notice = snapshot.degradations.find((it) => it.code === 'owners-hidden');
    const hidden = states.filter((state) => state.endsWith('hidden')).length;
    expect(notice?.text).toBe(`the owners of ${hidden} sockets are hidden: run with sudo to see them`);
    const asRoot = await snapshotOf('linux', linux({ netstat: print('linux/netstat-tunap-user.txt') }), true);
    expect(asRoot.degradations.find((it) => it.code === 'owners-hidden')?.text).toBe(
      `the owners of ${hidden} sockets are hidden: even root may not inspect the processes here`,
    );
  },
);

posix('Linux without netstat: ss prints whole addresses, and notices say what is missing', async () => {
  const snapshot = await snapshotOf('linux', linux({ netstat: 'exit 127', ss: print('linux/ss-tunap.txt') }));
  const all = lines(snapshot).map((line) => line.split(' | ').slice(0, 4).join(' | '));
  const long = '2001:db8:85a3:8d3:1319:8a2e:370:7348';
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp6 | :: 443 | - | LISTEN',
      'tcp6 | ::1 5432 | - | LISTEN',
      `tcp6 | ${long} 443 | ${long} 51514 | ESTABLISHED`,
      'tcp6 | ::ffff:127.0.0.1 443 | ::ffff:127.0.0.1 51518 | ESTABLISHED',
      'tcp | 127.0.0.1 8080 | 127.0.0.1 51520 | CLOSE_WAIT',
      'tcp | 192.0.2.10 51524 | 192.0.2.80 81 | SYN_SENT',
      'tcp | 127.0.0.1 51522 | 127.0.0.1 8080 | TIME_WAIT',
    ]),
  );
  expect(codes(snapshot)).toEqual(['udp-missing', 'half-closed-missing']);
});
