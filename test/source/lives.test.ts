import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Owner, Socket, SocketState } from '../../src/model/socket.ts';
import { Lives, type Sighting } from '../../src/source/lives.ts';
import { endpoint } from '../helpers/fakes.ts';

test('counts new sockets beyond the bounds and does not keep them', () => {
  const lives = new Lives({ remnants: 2, sockets: 4 });
  const poll = (...seen: Seen[]) => {
    lives.begin();
    for (const it of seen) if (!lives.markSeen(keyOf(it))) lives.add(keyOf(it), sightingOf(it));
    return lives.finish(() => CURL).size;
  };
  const at = (port: number, state: SocketState): Seen => ({ local: `192.0.2.10:${port}`, state });
  const kept = [at(1, 'ESTABLISHED'), at(2, 'ESTABLISHED')];
  expect(poll(...kept, at(3, 'TIME_WAIT'), at(4, 'TIME_WAIT'))).toBe(2);
  expect(lives.notices().map(({ short }) => short)).toEqual(['2 in TIME_WAIT not shown']);
  expect(poll(at(5, 'ESTABLISHED'), at(6, 'ESTABLISHED'), at(7, 'ESTABLISHED'), ...kept)).toBe(4);
  expect(lives.notices().map(({ short }) => short)).toEqual(['1 socket not shown']);
  expect(poll(...kept)).toBe(2);
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
  /** Part of the key that is not shown, as further fields of a table. */
  readonly hiddenField?: number;
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

/** Runs one poll that sees these sockets. */
function poll(
  lives: Lives,
  seen: readonly Seen[],
  ownersOf: (sighting: Sighting, previous: Socket | undefined) => readonly Owner[] = () => CURL,
): ReadonlyMap<string, Socket> {
  lives.begin();
  for (const it of seen) if (!lives.markSeen(keyOf(it))) lives.add(keyOf(it), sightingOf(it));
  return lives.finish(ownersOf);
}

/** Returns the only socket of a poll. */
function only(sockets: ReadonlyMap<string, Socket>): Socket {
  const [socket] = sockets.values();
  if (socket === undefined || sockets.size !== 1) throw new Error(`${sockets.size} sockets`);
  return socket;
}

/** Runs one poll per sighting and returns the socket after each. */
function follow(...history: readonly Seen[]): Socket[] {
  const lives = new Lives();
  return history.map((seen) => only(poll(lives, [seen])));
}

describe('one life', () => {
  test('a change of state keeps the id and makes another object', () => {
    const [before, after] = follow({ state: 'ESTABLISHED', inode: 7 }, { state: 'CLOSE_WAIT', inode: 7 });
    expect(after?.id).toBe(before?.id);
    expect(after).not.toBe(before);
    expect([before?.state, after?.state]).toEqual(['ESTABLISHED', 'CLOSE_WAIT']);
  });

  test('continues from the first SYN to TIME_WAIT, also without an inode', () => {
    const sockets = follow(
      { state: 'SYN_SENT', inode: 7, uid: 1000 },
      { state: 'ESTABLISHED', inode: 7, uid: 1000 },
      { state: 'FIN_WAIT1' },
      { state: 'FIN_WAIT2' },
      { state: 'TIME_WAIT' },
    );
    expect(new Set(sockets.map(({ id }) => id)).size).toBe(1);
    expect(sockets.map(({ inode }) => inode)).toEqual([7, 7, undefined, undefined, undefined]);
    // The kernel reports no uid any more; the known one is kept.
    expect(sockets.map(({ uid }) => uid)).toEqual([1000, 1000, 1000, 1000, 1000]);
  });

  test('continues when an accepted connection gets an inode', () => {
    const [embryo, waiting, accepted] = follow(
      { state: 'SYN_RECV' },
      { state: 'ESTABLISHED' },
      { state: 'ESTABLISHED', inode: 7 },
    );
    expect(waiting?.id).toBe(embryo?.id);
    expect(accepted?.id).toBe(embryo?.id);
    expect(accepted?.inode).toBe(7);
  });

  test('continues when a connection is accepted after its peer has closed', () => {
    const [waiting, accepted] = follow({ state: 'CLOSE_WAIT' }, { state: 'CLOSE_WAIT', inode: 7 });
    expect(accepted?.id).toBe(waiting?.id);
    expect(accepted?.inode).toBe(7);
  });

  test('continues when a UDP socket connects, by its inode', () => {
    const [bound, connected, elsewhere] = follow(
      { protocol: 'udp', local: '*:5000', remote: null, inode: 7 },
      { protocol: 'udp', local: '192.0.2.10:5000', inode: 7, state: 'ESTABLISHED' },
      { protocol: 'udp', local: '192.0.2.10:5000', remote: '203.0.113.5:53', inode: 7, state: 'ESTABLISHED' },
    );
    expect(connected?.id).toBe(bound?.id);
    expect(elsewhere?.id).toBe(bound?.id);
    expect(elsewhere?.remote).toEqual({ address: '203.0.113.5', port: 53 });
  });

  test('returns the same object if only a field that is not shown changes', () => {
    const [before, after] = follow({ inode: 7, hiddenField: 1 }, { inode: 7, hiddenField: 2 });
    expect(after).toBe(before);
  });
});

describe('a new life', () => {
  test.each<[string, Seen, Seen]>([
    ['TIME_WAIT reused by a client', { state: 'TIME_WAIT' }, { state: 'SYN_SENT', inode: 8 }],
    ['TIME_WAIT reused at the server', { state: 'TIME_WAIT' }, { state: 'SYN_RECV' }],
    ['TIME_WAIT, then established again', { state: 'TIME_WAIT' }, { state: 'ESTABLISHED', inode: 8 }],
    ['an inode after close()', { state: 'FIN_WAIT2' }, { state: 'FIN_WAIT2', inode: 8 }],
    ['another inode', { state: 'ESTABLISHED', inode: 7 }, { state: 'ESTABLISHED', inode: 8 }],
    ['another inode in a later state', { state: 'ESTABLISHED', inode: 7 }, { state: 'CLOSE_WAIT', inode: 8 }],
    ['an earlier state without an inode', { state: 'ESTABLISHED', inode: 7 }, { state: 'SYN_RECV' }],
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

  test('gets its own id even if many lives share a tuple without an inode', () => {
    const lives = new Lives();
    const ids = [];
    for (let i = 0; i < 5; i++) {
      ids.push(only(poll(lives, [{ state: 'SYN_RECV' }])).id);
      ids.push(only(poll(lives, [{ state: 'TIME_WAIT' }])).id);
    }
    // SYN_RECV and the TIME_WAIT after it are one life; the next SYN_RECV begins another.
    for (let i = 0; i < 5; i++) expect(ids[2 * i + 1]).toBe(ids[2 * i]);
    for (let i = 1; i < 5; i++) expect(ids[2 * i]).not.toBe(ids[2 * i - 1]);
  });

  test('inherits no field from the previous life', () => {
    const [, after] = follow({ state: 'TIME_WAIT', uid: 1000 }, { state: 'SYN_RECV' });
    expect(after?.uid).toBeUndefined();
  });
});

describe('several sockets', () => {
  test('two sockets on one port (SO_REUSEPORT) keep their ids', () => {
    const twin = (inode: number, uid: number): Seen => ({
      protocol: 'udp',
      local: '*:5353',
      remote: null,
      inode,
      uid,
    });
    const lives = new Lives();
    const before = poll(lives, [twin(1, 0), twin(2, 0)]);
    const after = poll(lives, [twin(2, 5), twin(1, 5)]);
    const idOf = (sockets: typeof before, inode: number) =>
      [...sockets.values()].find((it) => it.inode === inode)?.id;
    expect(before.size).toBe(2);
    expect([idOf(after, 1), idOf(after, 2)]).toEqual([idOf(before, 1), idOf(before, 2)]);
    expect(idOf(before, 1)).not.toBe(idOf(before, 2));
    const left = only(poll(lives, [twin(2, 5)]));
    expect(left).toBe([...after.values()].find((it) => it.inode === 2));
  });

  test('an unchanged poll returns the same map, in any order of lines', () => {
    const lives = new Lives();
    const seen: Seen[] = [{ inode: 1 }, { inode: 2, local: '192.0.2.10:40001' }];
    const before = poll(lives, seen);
    expect(poll(lives, seen)).toBe(before);
    expect(poll(lives, seen.toReversed())).toBe(before);
  });

  test('the end of one socket leaves the objects of the others the same', () => {
    const lives = new Lives();
    const still: Seen = { inode: 1 };
    const before = poll(lives, [still, { inode: 2, local: '*:22', remote: null }]);
    const after = poll(lives, [still]);
    expect(after).not.toBe(before);
    expect(only(after)).toBe([...before.values()][0]);
  });

  test('counts a repeated line as one socket', () => {
    const lives = new Lives();
    const line: Seen = { state: 'ESTABLISHED', inode: 1 };
    const before = poll(lives, [line, line]);
    expect(before.size).toBe(1);
    expect(poll(lives, [line, line])).toBe(before);
    expect(poll(lives, [line])).toBe(before);
  });

  test('a changed line that is repeated continues the same life', () => {
    const lives = new Lives();
    const before = only(poll(lives, [{ state: 'ESTABLISHED' }]));
    const changed: Seen = { state: 'TIME_WAIT' };
    lives.begin();
    // The whole table is parsed before any of its lines is added.
    const isKnown = [lives.markSeen(keyOf(changed)), lives.markSeen(keyOf(changed))];
    expect(isKnown).toEqual([false, false]);
    lives.add(keyOf(changed), sightingOf(changed));
    lives.add(keyOf(changed), sightingOf(changed));
    expect(only(lives.finish(() => CURL)).id).toBe(before.id);
  });
});

describe('owners', () => {
  test('are requested with the socket that is continued', () => {
    const lives = new Lives();
    const before = only(poll(lives, [{ state: 'ESTABLISHED', inode: 7 }]));
    const requested: (Socket | undefined)[] = [];
    poll(lives, [{ state: 'FIN_WAIT2' }], (_, previous) => {
      requested.push(previous);
      return CURL;
    });
    expect(requested).toEqual([before]);
  });

  test('change the socket only if they differ, not if just the array is new', () => {
    const lives = new Lives();
    const before = only(poll(lives, [{ inode: 7 }]));
    expect(only(poll(lives, [{ inode: 7 }], () => CURL.map((owner) => ({ ...owner }))))).toBe(before);
    const after = only(
      poll(lives, [{ inode: 7 }], () => [{ knowledge: 'exact', pid: 100, process: 'wget' }]),
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

test('for any history: sockets equal sightings, ids are unique, unchanged sockets stay the same object', () => {
  // The kernel never shows two sockets with the same inode, nor two with the same tuple and no inode.
  const sightings = fc.uniqueArray(arbitrarySeen, {
    selector: ({ protocol, local, inode }) => `${protocol} ${inode ?? local}`,
    maxLength: 8,
  });
  const text = ({ protocol, local, remote, state, inode }: Sighting | Socket) =>
    JSON.stringify([protocol, local, remote, state ?? null, inode ?? null]);
  fc.assert(
    fc.property(fc.array(sightings, { maxLength: 8 }), (history) => {
      const lives = new Lives();
      let before: ReadonlyMap<string, Socket> = new Map();
      let seenBefore: readonly Seen[] = [];
      for (const seen of history) {
        const now = poll(lives, seen);
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
