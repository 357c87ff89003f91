import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventLines, type Gap } from '../../src/export/json.ts';
import type { SocketEvent } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';
import { displayWidth } from '../../src/view/text/width.ts';
import { EVERY_FIELD, FIELD_CHANGES } from '../helpers/every-field.ts';
import { alignedTable, eventJson, socketJson, socketsJson, tabSeparated } from '../helpers/export.ts';
import { listener, NOON_MS, socket } from '../helpers/fakes.ts';
import { HOSTILE, UNSAFE } from '../helpers/lines.ts';
import { SCENE } from '../helpers/scene.ts';

const ALL = Object.values(SCENE);

describe('JSON', () => {
  test('writes one socket', () => {
    expect(JSON.parse(socketJson(SCENE.node))).toEqual({
      id: SCENE.node.id,
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '10.0.0.5', port: 51512 },
      remote: { address: '203.0.113.80', port: 443 },
      state: 'ESTABLISHED',
      inode: 4711,
      uid: 1000,
      user: 'ana',
      owners: [
        {
          pid: 81234,
          process: 'node',
          command: 'node server.js --port 8080 --name {red-fg}not-a-tag{/}',
          exe: SCENE.node.owners[0]?.exe,
          user: 'ana',
          startedAtMs: SCENE.node.owners[0]?.startedAtMs,
          knowledge: 'exact',
        },
      ],
    });
  });

  test.each(FIELD_CHANGES)('writes $name', ({ changed }) => {
    expect(JSON.parse(socketJson(changed))).not.toEqual(JSON.parse(socketJson(EVERY_FIELD)));
  });

  test('writes every field under its name', () => {
    const { traffic, owners, netns, timer, tcp, local, remote, peers, ...plain } = EVERY_FIELD;
    expect(JSON.parse(socketJson(EVERY_FIELD))).toEqual({
      ...plain,
      ...traffic,
      local: { ...local, protocol: 'icmp6' },
      remote: { ...remote, protocol: 'icmp6' },
      netns,
      peers,
      timer,
      tcp,
      owners,
    });
  });

  test('omits unknown fields, and writes null for no peer', () => {
    const searched = [{ knowledge: 'unknown' as const, tried: 'not among the threads' }];
    expect(JSON.parse(socketJson({ ...listener(), owners: searched }))).toMatchObject({ owners: searched });
    const parsed = JSON.parse(socketJson({ ...listener(), owners: [{ knowledge: 'hidden' }] })) as object;
    expect(Object.keys(parsed)).toEqual(['id', 'protocol', 'family', 'local', 'remote', 'state', 'owners']);
    expect(parsed).toMatchObject({ remote: null, owners: [{ knowledge: 'hidden' }] });
  });

  test('writes traffic fields flat, and namespace, timer and TCP details as objects', () => {
    const traffic = {
      rxBytes: 1,
      txBytes: 2,
      rxSegments: 3,
      txSegments: 4,
      rttMicros: 5,
      rttVarMicros: 6,
      retransmits: 7,
      cwnd: 8,
      deliveryRate: 9,
      recvQueue: 10,
      sendQueue: 0,
      lastSentAtMs: 12,
      lastReceivedAtMs: 13,
    };
    const more = {
      interface: 'eth0',
      netns: { inode: 7, name: 'web' },
      timer: { kind: 'keepalive', dueAtMs: 14, retransmits: 0 },
      tcp: { sndMss: 1448, appLimited: true, caState: 'open' },
    } as const;
    expect(JSON.parse(socketJson({ ...socket(), ...more, traffic }))).toMatchObject({ ...traffic, ...more });
    expect(JSON.parse(socketJson({ ...socket(), ...more, traffic }))).not.toHaveProperty('traffic');
    const some = JSON.parse(socketJson(socket({ traffic: { rxBytes: 1 }, netns: { inode: 7 } }))) as object;
    expect(some).toMatchObject({ rxBytes: 1, netns: { inode: 7 } });
    const claimed = { inode: 7, name: '~ana/web', claimedBy: 1000 };
    expect(JSON.parse(socketJson(socket({ netns: claimed })))).toMatchObject({ netns: claimed });
    for (const name of ['txBytes', 'timer', 'tcp', 'interface']) expect(some).not.toHaveProperty(name);
  });

  test('writes an array with one socket per line, also for no sockets', () => {
    const text = socketsJson(ALL);
    expect(JSON.parse(text)).toEqual(ALL.map((it) => JSON.parse(socketJson(it)) as unknown));
    expect(text.split('\n')).toHaveLength(ALL.length + 3);
    expect(JSON.parse(socketsJson([]))).toEqual([]);
  });

  test('any program name is safe to print and parses back unchanged', () => {
    const text = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(text, text, (process, command) => {
        const it = { ...socket(), owners: [{ knowledge: 'exact' as const, pid: 1, process, command }] };
        const json = socketJson(it);
        // Combining marks are kept: many scripts need them.
        expect(json.replace(/\p{M}/gu, '')).not.toMatch(UNSAFE);
        expect(JSON.parse(json)).toMatchObject({ owners: [{ process, command }] });
      }),
      { numRuns: 500 },
    );
  });
});

describe('an event as a line of JSON', () => {
  const event = (fields: Partial<SocketEvent> = {}): SocketEvent => ({
    type: 'spawn',
    atMs: NOON_MS,
    socket: SCENE.node,
    learntBy: 'poll',
    ...fields,
  });
  const parsed = (it: SocketEvent | Gap) => JSON.parse(eventJson(it)) as Record<string, unknown>;

  test('contains the socket as in `ls --json`', () => {
    const { socket: shown, ...rest } = parsed(event());
    expect(shown).toEqual(JSON.parse(socketJson(SCENE.node)));
    expect(rest).toEqual({ atMs: NOON_MS, type: 'spawn', learntBy: 'poll' });
  });

  test('a change contains the previous values', () => {
    const { socket: _, ...rest } = parsed(
      event({ type: 'change', was: { state: 'SYN_SENT' }, learntBy: 'trace' }),
    );
    expect(rest).toEqual({ atMs: NOON_MS, type: 'change', was: { state: 'SYN_SENT' }, learntBy: 'trace' });
  });

  test('a close contains the lifetime; times have three decimals', () => {
    const close = event({
      type: 'close',
      atMs: NOON_MS + 0.1231,
      lifetimeMs: 0.41249,
      learntBy: 'destroy',
    });
    expect(parsed(close)).toMatchObject({
      atMs: NOON_MS + 0.123,
      type: 'close',
      lifetimeMs: 0.412,
      learntBy: 'destroy',
    });
    expect(parsed(close)).not.toHaveProperty('isAtLeast');
    expect(parsed({ ...close, lifetimeMs: 0, isAtLeast: true })).toMatchObject({
      lifetimeMs: 0,
      isAtLeast: true,
    });
  });

  test('events in one piece have the sockets that they have alone', () => {
    const [web, other] = [{ inode: 7, name: 'web' }, { inode: 8 }] as const;
    const more = Array.from({ length: 300 }, (_, i) => ({
      ...socket({ id: `${i}` }),
      netns: i % 2 === 0 ? web : other,
    }));
    const events = more.flatMap((it) => [
      event({ socket: it }),
      event({ type: 'change', socket: SCENE.node }),
      event({ type: 'close', socket: it, lifetimeMs: 1 }),
      event({ type: 'close', socket: { ...it, user: 'ana' } }),
    ]);
    const lines = eventLines(events).toString();
    expect(lines).toBe(events.map((it) => `${eventJson(it)}\n`).join(''));
    const netnsOf = (line: string) => (JSON.parse(line) as { socket: { netns?: object } }).socket.netns;
    expect(lines.trimEnd().split('\n').map(netnsOf)).toEqual(events.map((it) => it.socket.netns));
  });

  test('a gap contains the number of missed events, if known', () => {
    const gap = { type: 'gap', atMs: NOON_MS + 0.0003, learntBy: 'destroy' } as const;
    expect(parsed({ ...gap, missed: 12 })).toEqual({ ...gap, atMs: NOON_MS, missed: 12 });
    expect(parsed(gap)).toEqual({ ...gap, atMs: NOON_MS });
  });

  test('is safe to print', () => {
    for (const process of HOSTILE) {
      const owners = [{ knowledge: 'exact', pid: 1, process }] as const;
      expect(eventJson(event({ socket: { ...socket(), owners } })).replace(/\p{M}/gu, '')).not.toMatch(
        UNSAFE,
      );
    }
  });
});

describe('the table', () => {
  test('for programs separates columns with one tab and has all columns in every line', () => {
    const lines = tabSeparated(ALL).trimEnd().split('\n');
    expect(lines[0]).toBe('PROCESS\tPID\tUSER\tPROTO\tLOCAL\tLPORT\tREMOTE\tRPORT\tSTATE');
    expect(lines[1]).toBe('node\t81234\tana\ttcp\t10.0.0.5\t51512\t203.0.113.80\t443\tESTABLISHED');
    expect(lines).toHaveLength(ALL.length + 1);
    expect(lines.every((line) => line.split('\t').length === 9)).toBe(true);
    // A reader that splits at white space would lose an empty cell.
    expect(lines.some((line) => line.split('\t').includes(''))).toBe(false);
  });

  test('shows a dash for unknown values', () => {
    const it = { ...SCENE.dhcp, user: undefined, owners: [{ knowledge: 'hidden' as const }] };
    const { user: _, ...nameless } = it;
    expect(tabSeparated([nameless]).split('\n')[1]).toBe('hidden\t-\t-\tudp\t*\t68\t*\t*\t-');
  });

  test('shows sockets of every protocol', () => {
    const ends: readonly Socket[] = [
      socket({ protocol: 'raw', local: '*:1', remote: null }),
      {
        ...socket({ protocol: 'packet', remote: null }),
        family: 'packet',
        local: { address: 'eth0', port: 0x88b5 },
      },
      {
        ...socket({ protocol: 'unix', remote: null }),
        family: 'unix',
        local: { address: '/run/x', port: 0 },
      },
      { ...socket({ protocol: 'vsock', local: '2:70000', remote: '3:9' }), family: 'vsock' },
      socket({ protocol: 'mptcp', local: '[::1]:1', remote: '[::1]:443' }),
    ];
    expect(
      tabSeparated(ends)
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((text) => text.split('\t').slice(3).join(' ')),
    ).toEqual([
      'raw * icmp * * -',
      'packet eth0 0x88b5 * * -',
      'unix /run/x - * - -',
      'vsock 2 70000 3 9 ESTABLISHED',
      'mptcp6 ::1 1 ::1 443 ESTABLISHED',
    ]);
  });

  test('for a terminal has columns as wide as their content and truncates nothing', () => {
    const lines = alignedTable(ALL).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^PROCESS +PID +USER/);
    const long = lines.find((line) => line.includes('firefox-developer-edition'));
    expect(long).toContain('2001:db8:1111:2222:3333:4444:5555:6666');
    const starts = lines.map((line) => {
      const at = line.search(/ (tcp|udp|PROTO)/);
      return displayWidth(line.slice(0, at));
    });
    expect(new Set(starts).size).toBe(1);
    expect(lines.every((line) => line === line.trimEnd())).toBe(true);
  });

  test('contains no unsafe character', () => {
    const hostile = HOSTILE.map((process) => ({
      ...socket({ user: process }),
      owners: [{ knowledge: 'exact' as const, pid: 1, process }],
    }));
    const text = tabSeparated(hostile) + alignedTable(hostile);
    expect(text.replace(/[\t\n]/g, '')).not.toMatch(UNSAFE);
    expect(text.split('\n')).toHaveLength(2 * (HOSTILE.length + 1) + 1);
  });

  test('shows only the titles without sockets', () => {
    expect(tabSeparated([]).split('\n')).toHaveLength(2);
    expect(alignedTable([])).toBe('PROCESS  PID  USER  PROTO  LOCAL  LPORT  REMOTE  RPORT  STATE\n');
  });
});
