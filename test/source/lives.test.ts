import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Owner, Socket, SocketState } from '../../src/model/socket.ts';
import { Lives, type Sighting } from '../../src/source/lives.ts';
import { endpoint } from '../helpers/fakes.ts';

test('beyond the bounds new sockets are counted and not kept', () => {
  const lives = new Lives({ remnants: 2, sockets: 4 });
  const read = (...seen: Seen[]) => {
    lives.begin();
    for (const it of seen) if (!lives.markSeen(keyOf(it))) lives.add(keyOf(it), sightingOf(it));
    return lives.finish(() => CURL).size;
  };
  const at = (port: number, state: SocketState): Seen => ({ local: `192.0.2.10:${port}`, state });
  const kept = [at(1, 'ESTABLISHED'), at(2, 'ESTABLISHED')];
  expect(read(...kept, at(3, 'TIME_WAIT'), at(4, 'TIME_WAIT'))).toBe(2);
  expect(lives.notices().map(({ short }) => short)).toEqual(['2 in TIME_WAIT not shown']);
  expect(read(at(5, 'ESTABLISHED'), at(6, 'ESTABLISHED'), at(7, 'ESTABLISHED'), ...kept)).toBe(4);
  expect(lives.notices().map(({ short }) => short)).toEqual(['1 sockets not shown']);
  expect(read(...kept)).toBe(2);
  expect(lives.notices()).toEqual([]);
});

const CURL: readonly Owner[] = [{ knowledge: 'exact', pid: 100, process: 'curl' }];

interface Seen {
  readonly protocol?: 'tcp' | 'udp';
  readonly local?: string;
  readonly remote?: string | null;
  readonly state?: SocketState;
  readonly inode?: number;
  readonly uid?: number;
  /** Part of the key, as what a table says besides the fields that are shown. */
  readonly noise?: number;
}

function sightingOf({
  protocol = 'tcp',
  local = '192.0.2.10:40000',
  remote,
  state,
  inode,
  uid,
}: Seen): Sighting {
  const far = remote === undefined ? '198.51.100.7:443' : remote;
  return {
    protocol,
    family: local.startsWith('[') ? 'ipv6' : 'ipv4',
    local: endpoint(local),
    remote: far === null ? null : endpoint(far),
    state,
    inode,
    uid,
  };
}

const keyOf = (seen: Seen) => JSON.stringify(seen);

/** One reading of what is seen. */
function read(
  lives: Lives,
  seen: readonly Seen[],
  ownersOf: (sighting: Sighting, previous: Socket | undefined) => readonly Owner[] = () => CURL,
): ReadonlyMap<string, Socket> {
  lives.begin();
  for (const it of seen) if (!lives.markSeen(keyOf(it))) lives.add(keyOf(it), sightingOf(it));
  return lives.finish(ownersOf);
}

/** The one socket of a reading. */
function only(sockets: ReadonlyMap<string, Socket>): Socket {
  const [socket] = sockets.values();
  if (socket === undefined || sockets.size !== 1) throw new Error(`${sockets.size} sockets`);
  return socket;
}

/** The socket after each of the readings, of one sighting each. */
function follow(...history: readonly Seen[]): Socket[] {
  const lives = new Lives();
  return history.map((seen) => only(read(lives, [seen])));
}

describe('one life', () => {
  test('a change of state keeps the id and makes another object', () => {
    const [before, after] = follow({ state: 'ESTABLISHED', inode: 7 }, { state: 'CLOSE_WAIT', inode: 7 });
    expect(after?.id).toBe(before?.id);
    expect(after).not.toBe(before);
    expect([before?.state, after?.state]).toEqual(['ESTABLISHED', 'CLOSE_WAIT']);
  });

  test('from the first SYN to TIME_WAIT, the inode gone on the way', () => {
    const sockets = follow(
      { state: 'SYN_SENT', inode: 7, uid: 1000 },
      { state: 'ESTABLISHED', inode: 7, uid: 1000 },
      { state: 'FIN_WAIT1' },
      { state: 'FIN_WAIT2' },
      { state: 'TIME_WAIT' },
    );
    expect(new Set(sockets.map(({ id }) => id)).size).toBe(1);
    expect(sockets.map(({ inode }) => inode)).toEqual([7, 7, undefined, undefined, undefined]);
    // The kernel no longer says whose it was; it is known all the same.
    expect(sockets.map(({ uid }) => uid)).toEqual([1000, 1000, 1000, 1000, 1000]);
  });

  test('a connection is accepted: it gets an inode', () => {
    const [embryo, waiting, accepted] = follow(
      { state: 'SYN_RECV' },
      { state: 'ESTABLISHED' },
      { state: 'ESTABLISHED', inode: 7 },
    );
    expect(waiting?.id).toBe(embryo?.id);
    expect(accepted?.id).toBe(embryo?.id);
    expect(accepted?.inode).toBe(7);
  });

  test('a UDP socket connects, and connects elsewhere: the inode tells', () => {
    const [bound, connected, elsewhere] = follow(
      { protocol: 'udp', local: '*:5000', remote: null, inode: 7 },
      { protocol: 'udp', local: '192.0.2.10:5000', inode: 7, state: 'ESTABLISHED' },
      { protocol: 'udp', local: '192.0.2.10:5000', remote: '203.0.113.5:53', inode: 7, state: 'ESTABLISHED' },
    );
    expect(connected?.id).toBe(bound?.id);
    expect(elsewhere?.id).toBe(bound?.id);
    expect(elsewhere?.remote).toEqual({ address: '203.0.113.5', port: 53 });
  });

  test('only what is not shown changes: the very same object', () => {
    const [before, after] = follow({ inode: 7, noise: 1 }, { inode: 7, noise: 2 });
    expect(after).toBe(before);
  });
});

describe('a new life', () => {
  test.each<[string, Seen, Seen]>([
    ['TIME_WAIT reused by a client', { state: 'TIME_WAIT' }, { state: 'SYN_SENT', inode: 8 }],
    ['TIME_WAIT reused at the server', { state: 'TIME_WAIT' }, { state: 'SYN_RECV' }],
    ['TIME_WAIT, then established again', { state: 'TIME_WAIT' }, { state: 'ESTABLISHED', inode: 8 }],
    ['let go, then held again', { state: 'FIN_WAIT2' }, { state: 'FIN_WAIT2', inode: 8 }],
    ['another inode', { state: 'ESTABLISHED', inode: 7 }, { state: 'ESTABLISHED', inode: 8 }],
    ['another inode, further on', { state: 'ESTABLISHED', inode: 7 }, { state: 'CLOSE_WAIT', inode: 8 }],
    ['backwards without an inode', { state: 'ESTABLISHED', inode: 7 }, { state: 'SYN_RECV' }],
    ['another port', { state: 'TIME_WAIT' }, { state: 'TIME_WAIT', local: '192.0.2.10:40001' }],
    ['another peer', { state: 'TIME_WAIT' }, { state: 'TIME_WAIT', remote: '198.51.100.8:443' }],
    [
      'another protocol',
      { inode: 7, state: 'ESTABLISHED' },
      { inode: 7, state: 'ESTABLISHED', protocol: 'udp' },
    ],
  ])('%s', (_, first, second) => {
    const [before, after] = follow(first, second);
    expect(after?.id).not.toBe(before?.id);
  });

  test('each of many lives on one tuple without an inode has its own id', () => {
    const lives = new Lives();
    const ids = [];
    for (let i = 0; i < 5; i++) {
      ids.push(only(read(lives, [{ state: 'SYN_RECV' }])).id);
      ids.push(only(read(lives, [{ state: 'TIME_WAIT' }])).id);
    }
    // SYN_RECV and the TIME_WAIT after it are one life; the next SYN_RECV begins another.
    for (let i = 0; i < 5; i++) expect(ids[2 * i + 1]).toBe(ids[2 * i]);
    for (let i = 1; i < 5; i++) expect(ids[2 * i]).not.toBe(ids[2 * i - 1]);
  });

  test('nothing is taken over from the life before', () => {
    const [, after] = follow({ state: 'TIME_WAIT', uid: 1000 }, { state: 'SYN_RECV' });
    expect(after?.uid).toBeUndefined();
  });
});

describe('several sockets', () => {
  test('twins on one port (SO_REUSEPORT) are two sockets, and stay who they are', () => {
    const twin = (inode: number, uid: number): Seen => ({
      protocol: 'udp',
      local: '*:5353',
      remote: null,
      inode,
      uid,
    });
    const lives = new Lives();
    const before = read(lives, [twin(1, 0), twin(2, 0)]);
    const after = read(lives, [twin(2, 5), twin(1, 5)]);
    const idOf = (sockets: typeof before, inode: number) =>
      [...sockets.values()].find((it) => it.inode === inode)?.id;
    expect(before.size).toBe(2);
    expect([idOf(after, 1), idOf(after, 2)]).toEqual([idOf(before, 1), idOf(before, 2)]);
    expect(idOf(before, 1)).not.toBe(idOf(before, 2));
    const left = only(read(lives, [twin(2, 5)]));
    expect(left).toBe([...after.values()].find((it) => it.inode === 2));
  });

  test('an unchanged reading gives the very same map, in whatever order it comes', () => {
    const lives = new Lives();
    const seen: Seen[] = [{ inode: 1 }, { inode: 2, local: '192.0.2.10:40001' }];
    const before = read(lives, seen);
    expect(read(lives, seen)).toBe(before);
    expect(read(lives, seen.toReversed())).toBe(before);
  });

  test('a change elsewhere leaves the other objects as they are', () => {
    const lives = new Lives();
    const still: Seen = { inode: 1 };
    const before = read(lives, [still, { inode: 2, local: '*:22', remote: null }]);
    const after = read(lives, [still]);
    expect(after).not.toBe(before);
    expect(only(after)).toBe([...before.values()][0]);
  });

  test('a line that comes twice is one socket', () => {
    const lives = new Lives();
    const line: Seen = { state: 'ESTABLISHED', inode: 1 };
    const before = read(lives, [line, line]);
    expect(before.size).toBe(1);
    expect(read(lives, [line, line])).toBe(before);
    expect(read(lives, [line])).toBe(before);
  });

  test('a changed line that comes twice before it is known is the socket it was', () => {
    const lives = new Lives();
    const before = only(read(lives, [{ state: 'ESTABLISHED' }]));
    const changed: Seen = { state: 'TIME_WAIT' };
    lives.begin();
    // A table is taken apart as a whole before any of its lines is added.
    const isKnown = [lives.markSeen(keyOf(changed)), lives.markSeen(keyOf(changed))];
    expect(isKnown).toEqual([false, false]);
    lives.add(keyOf(changed), sightingOf(changed));
    lives.add(keyOf(changed), sightingOf(changed));
    expect(only(lives.finish(() => CURL)).id).toBe(before.id);
  });
});

describe('owners', () => {
  test('are asked for with the socket that is continued', () => {
    const lives = new Lives();
    const before = only(read(lives, [{ state: 'ESTABLISHED', inode: 7 }]));
    const asked: (Socket | undefined)[] = [];
    read(lives, [{ state: 'FIN_WAIT2' }], (_, previous) => {
      asked.push(previous);
      return CURL;
    });
    expect(asked).toEqual([before]);
  });

  test('others make a changed socket; the same in a new array do not', () => {
    const lives = new Lives();
    const before = only(read(lives, [{ inode: 7 }]));
    expect(only(read(lives, [{ inode: 7 }], () => CURL.map((owner) => ({ ...owner }))))).toBe(before);
    const after = only(
      read(lives, [{ inode: 7 }], () => [{ knowledge: 'exact', pid: 100, process: 'wget' }]),
    );
    expect(after.id).toBe(before.id);
    expect(after.owners[0]?.process).toBe('wget');
  });
});

const arbitrarySeen: fc.Arbitrary<Seen> = fc
  .record({
    port: fc.integer({ min: 1, max: 4 }),
    udp: fc.boolean(),
    state: fc.constantFrom<SocketState>(
      'SYN_SENT',
      'SYN_RECV',
      'ESTABLISHED',
      'FIN_WAIT2',
      'TIME_WAIT',
      'LISTEN',
    ),
    inode: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    uid: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ port, udp, state, inode, uid }) => ({
    ...(udp ? { protocol: 'udp' as const } : { state }),
    local: `192.0.2.10:${port}`,
    ...(inode !== undefined && { inode: inode * 10 + port }),
    uid,
  }));

test('whatever the history: what is seen is what is there, ids are unique, the unchanged stays the same object', () => {
  // A kernel shows no two sockets with one inode, and no two of one tuple without.
  const reading = fc.uniqueArray(arbitrarySeen, {
    selector: ({ protocol, local, inode }) => `${protocol} ${inode ?? local}`,
    maxLength: 8,
  });
  const text = ({ protocol, local, remote, state, inode }: Sighting | Socket) =>
    JSON.stringify([protocol, local, remote, state ?? null, inode ?? null]);
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 8 }), (history) => {
      const lives = new Lives();
      let before: ReadonlyMap<string, Socket> = new Map();
      let seenBefore: readonly Seen[] = [];
      for (const seen of history) {
        const now = read(lives, seen);
        expect([...now.values()].map(text).sort()).toEqual(seen.map((it) => text(sightingOf(it))).sort());
        for (const [id, socket] of now) expect(socket.id).toBe(id);
        const keysBefore = new Set(seenBefore.map(keyOf));
        const unchanged = seen.filter((it) => keysBefore.has(keyOf(it))).map((it) => text(sightingOf(it)));
        const objects = new Set(before.values());
        const kept = [...now.values()].filter((it) => objects.has(it)).map(text);
        expect(kept).toEqual(expect.arrayContaining(unchanged));
        [before, seenBefore] = [now, seen];
      }
    }),
    { numRuns: 500 },
  );
});
