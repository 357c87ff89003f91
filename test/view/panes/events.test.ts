import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GapEvent, SocketEvent, SumEvent } from '../../../src/model/event.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { eventLine, eventText } from '../../../src/view/panes/events.ts';
import { listener, NOON_MS, socket, udp } from '../../helpers/fakes.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { HOSTILE, textOf, UNSAFE } from '../../helpers/lines.ts';

const event = (fields: Partial<SocketEvent> = {}): SocketEvent => ({
  type: 'spawn',
  atMs: NOON_MS + 7,
  socket: socket(),
  learntBy: 'poll',
  ...fields,
});
const gap = (fields: Partial<GapEvent> = {}): GapEvent => ({
  type: 'gap',
  atMs: NOON_MS,
  learntBy: 'destroy',
  ...fields,
});
/** Returns the words after the endpoints. */
const outcome = (fields: Partial<SocketEvent>) => / 198\S+ +(.*)$/.exec(eventText(event(fields)))?.[1];

describe('the text of an event', () => {
  test('has time, mark, program, pid, endpoints and state', () => {
    expect(eventText(event())).toBe(
      '12:00:00.007 + curl                 100  tcp 192.0.2.10:40000 – 198.51.100.7:443         ESTABLISHED',
    );
    expect(eventText(event({ socket: listener() }))).toMatch(/\+ nginx +80 {2}tcp \*:80 +LISTEN$/);
  });

  test.each([
    ['out', '→'],
    ['in', '←'],
    [undefined, '–'],
  ] as const)('shows who connected: %s is %s, at any width', (direction, sign) => {
    expect(eventText(event(), direction)).toContain(` tcp 192.0.2.10:40000 ${sign} 198.51.100.7:443 `);
    for (const width of [80, 130])
      expect(textOf(eventLine(event(), direction, width, 'none'))).toContain(
        `:40000 ${sign} 198.51.100.7:443 `,
      );
  });

  test('does not show the last state of a spawn that was learnt from the close', () => {
    const short = { learntBy: 'destroy', socket: socket({ state: 'LAST_ACK' }) } as const;
    expect(outcome(short)).toBe('opened');
    for (const width of [80, 130]) {
      const text = textOf(eventLine(event(short), undefined, width, 'none'));
      expect(text).toContain('opened');
      expect(text).not.toContain('LAST_ACK');
    }
  });

  test('shows a change of state with both states', () => {
    expect(outcome({ type: 'change', was: { state: 'SYN_SENT' } })).toBe('SYN_SENT → ESTABLISHED');
    expect(eventText(event({ type: 'change' }))).toContain('12:00:00.007 ~ curl');
  });

  const owner = (process: string, pid: number) => ({ knowledge: 'exact', process, pid }) as const;
  const [bash, sshd, cat] = [owner('bash', 10), owner('sshd', 14), owner('cat', 15)];
  test.each<[string, SocketEvent['was'], Partial<Socket>, string]>([
    [
      'another program',
      { owners: [bash] },
      { owners: [sshd] },
      'now held by sshd 14  released by bash 10  ESTABLISHED',
    ],
    [
      'a program that releases the socket',
      { owners: [bash, sshd] },
      { owners: [sshd] },
      'released by bash 10  ESTABLISHED',
    ],
    [
      'further programs',
      { owners: [bash] },
      { owners: [bash, sshd, cat] },
      'now held by sshd 14 +1  ESTABLISHED',
    ],
    [
      'a program found late',
      { owners: [{ knowledge: 'hidden' }] },
      { owners: [cat] },
      'found: cat 15  ESTABLISHED',
    ],
    [
      'a program lost',
      { owners: [cat] },
      { owners: [{ knowledge: 'hidden' }] },
      'released by cat 15  ESTABLISHED',
    ],
    ['a peer', { remote: null }, {}, 'connected  ESTABLISHED'],
    [
      'another peer',
      { remote: { address: '192.0.2.7', port: 53 } },
      {},
      'peer was 192.0.2.7:53  ESTABLISHED',
    ],
    ['another address', { local: { address: '0.0.0.0', port: 40000 } }, {}, 'local was *:40000  ESTABLISHED'],
    [
      'state and program',
      { state: 'SYN_SENT', owners: [bash] },
      { owners: [cat] },
      'SYN_SENT → ESTABLISHED  now held by cat 15  released by bash 10',
    ],
  ])('a change says what changed: %s', (_, was, fields, words) => {
    expect(
      outcome({
        type: 'change',
        socket: { ...socket(), ...fields },
        ...(was && { was }),
      }),
    ).toBe(words);
  });

  test('names the peer that a socket lost', () => {
    const event_ = event({
      type: 'change',
      socket: udp(),
      was: { remote: { address: '192.0.2.7', port: 53 } },
    });
    expect(eventText(event_)).toMatch(/disconnected from 192\.0\.2\.7:53 {2}unconnected$/);
  });

  test.each<[Partial<SocketEvent>, string]>([
    [{}, 'closed'],
    [{ lifetimeMs: 0 }, 'lived 0.00 ms'],
    [{ lifetimeMs: 0.412 }, 'lived 0.41 ms'],
    [{ lifetimeMs: 0.997 }, 'lived 1.0 ms'],
    [{ lifetimeMs: 12.4 }, 'lived 12 ms'],
    [{ lifetimeMs: 999.7 }, 'lived 1.0 s'],
    [{ lifetimeMs: 3210 }, 'lived 3.2 s'],
    [{ lifetimeMs: 59_600 }, 'lived 1 min'],
    [{ lifetimeMs: 7.9 * 60_000 }, 'lived 7 min'],
    [{ lifetimeMs: 3.9 * 3_600_000 }, 'lived 3 h'],
    [{ lifetimeMs: 50 * 3_600_000, isAtLeast: true }, 'lived >2 d'],
    // As a minimum it says nothing.
    [{ lifetimeMs: 0, isAtLeast: true }, 'closed'],
  ])('a close: %o %s', (fields, words) => {
    expect(outcome({ type: 'close', ...fields })).toBe(words);
  });

  test('shows the bytes of a closed connection', () => {
    const closed = (traffic: Socket['traffic']) =>
      outcome({
        type: 'close',
        lifetimeMs: 0.8,
        socket: socket({ ...(traffic && { traffic }) }),
      });
    expect(closed({ rxBytes: 120, txBytes: 5 })).toBe('lived 0.80 ms  ↓ 120 B ↑ 5 B');
    expect(closed({ txBytes: 1_240_000 })).toBe('lived 0.80 ms  ↓ · ↑ 1.24 MB');
    expect(closed({ rttMicros: 9 })).toBe('lived 0.80 ms');
    expect(closed(undefined)).toBe('lived 0.80 ms');
  });

  test('a connection that closed before it was established has failed', () => {
    const attempt = (fields: Partial<Socket>, lifetimeMs = 21) =>
      event({ type: 'close', lifetimeMs, socket: { ...socket({ state: 'SYN_SENT' }), ...fields } });
    const refused = attempt({ opened: 'out' });
    expect(eventText(refused)).toMatch(/ failed after 21 ms$/);
    expect(textOf(eventLine(refused, 'out', 80, 'none')).trimEnd()).toMatch(/:443 +failed$/);
    const withBytes = attempt({ opened: 'out', traffic: { rxBytes: 0, txBytes: 0 } });
    expect(textOf(eventLine(withBytes, 'out', 80, 'none')).trimEnd()).toMatch(/:443 +failed$/);
    // It may have been established between two polls.
    expect(eventText(attempt({}))).toMatch(/ lived 21 ms$/);
    expect(eventText(attempt({ opened: 'out', traffic: { rttMicros: 9 } }))).toMatch(/ lived 21 ms$/);
    expect(eventText(attempt({ opened: 'out', state: 'CLOSE' }))).toMatch(/ lived 21 ms$/);
  });

  const closed = (fields: Partial<SocketEvent>, remote = '198.51.100.7:443') =>
    event({
      type: 'close',
      lifetimeMs: 42,
      socket: socket({ remote, traffic: { rxBytes: 1234, txBytes: 15 } }),
      ...fields,
    });
  const lineOf = (it: SocketEvent, width: number, direction?: 'in' | 'out') =>
    textOf(eventLine(it, direction, width, 'none')).trimEnd();

  test.each([
    [80, 'out', 'tcp → 198.51.100.7:443 42 ms ↓1.2k ↑15'],
    [80, 'in', 'tcp :40000 ← 198.51.100.7 42 ms ↓1.2k ↑15'],
    [80, undefined, 'tcp – 198.51.100.7:443 42 ms ↓1.2k ↑15'],
    // All ports have room.
    [90, 'out', 'tcp :40000 → 198.51.100.7:443 42 ms ↓1.2k ↑15'],
    [110, 'out', 'tcp :40000 → 198.51.100.7:443 lived 42 ms ↓ 1.23 kB ↑ 15 B'],
    [60, 'out', '198.51.100.7:443 42 ms ↓1.2k ↑15'],
    [54, 'in', '198.51.100.7 42 ms ↓1.2k ↑15'],
  ] as const)('the bytes of a closed connection in %i cells, opened %s: %s', (width, direction, end) => {
    const text = lineOf(closed({}), width, direction);
    expect(displayWidth(text)).toBeLessThanOrEqual(width);
    expect(
      text
        .replaceAll(/ +/g, ' ')
        .split(/curl (?:100 )?/)
        .at(-1),
    ).toBe(end);
  });

  test('endpoints stay whole beside a shorter outcome', () => {
    const of = (fields: Partial<SocketEvent>) =>
      event({ socket: socket({ local: '192.0.2.110:40000', remote: '198.51.100.107:443' }), ...fields });
    expect(lineOf(of({ type: 'close', lifetimeMs: 0.17 }), 80)).toMatch(
      / tcp :40000 – 198\.51\.100\.107:443 {2}0\.17 ms$/,
    );
    expect(lineOf(of({ type: 'change', was: { state: 'SYN_SENT' } }), 80)).toMatch(
      / tcp :40000 – 198\.51\.100\.107:443 {2}ESTABLISHED$/,
    );
  });

  test('a lifetime that is a minimum says so in a narrow pane, too', () => {
    expect(lineOf(closed({ isAtLeast: true }), 80)).toMatch(/ >42 ms ↓1.2k ↑15$/);
    const old = event({ type: 'close', lifetimeMs: 12_000, isAtLeast: true });
    expect(lineOf(old, 53)).toMatch(/ >12 s$/);
    expect(lineOf(closed({ lifetimeMs: 0, isAtLeast: true }), 80)).toMatch(/ closed ↓1.2k ↑15$/);
  });

  test('cuts the middle of a long address, not the bytes', () => {
    const long = '2001:db8:1111:2222:3333:4444:5555:6666:443';
    const text = lineOf(closed({}, long), 80, 'out');
    expect(text).toMatch(/ tcp → \[?2001:.*…\S*:443 {2}42 ms ↓1.2k ↑15$/);
    const local = udp({ local: long.replace('443', '53'), traffic: { rxBytes: 1234, txBytes: 15 } });
    expect(lineOf(closed({ socket: local }), 80)).toMatch(/ udp \[?2001:.*…\S*:53 {2}42 ms ↓1.2k ↑15$/);
  });

  test('shows the user if the program is unknown', () => {
    const gone = socket({ user: 'ana', owners: [{ knowledge: 'gone' }] });
    expect(outcome({ socket: gone })).toBe('ESTABLISHED  user ana');
    expect(eventText(event({ socket: gone }))).toMatch(/\+ gone +· {2}tcp/);
    expect(outcome({ socket: socket({ user: 'ana' }) })).toBe('ESTABLISHED');
    expect(outcome({ socket: socket({ owners: [{ knowledge: 'gone' }] }) })).toBe('ESTABLISHED');
  });

  test.each<[Partial<GapEvent>, string]>([
    [{ missed: 12 }, '12 closes missed'],
    [{ missed: 1 }, '1 close missed'],
    [{}, 'some closes missed'],
    [{ missed: 4000, learntBy: 'trace' }, '4,000 state changes missed'],
    [{ missed: 1, learntBy: 'trace' }, '1 state change missed'],
  ])('a gap: %o %s', (fields, words) => {
    expect(eventText(gap(fields))).toBe(`12:00:00.000 ! ${words}: event buffer full`);
  });

  test('is one printable line for any names of programs and users', () => {
    const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 40 }));
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom<SocketEvent['type'][]>('spawn', 'change', 'close'),
        (text, type) => {
          const named = socket({
            owners: [{ knowledge: 'exact', pid: 1, process: text }],
          });
          const nameless = socket({
            user: text,
            owners: [{ knowledge: 'gone' }],
          });
          const remote = { address: text, port: 1 };
          for (const it of [named, nameless, { ...socket(), local: remote, remote }])
            expect(eventText(event({ type, socket: it }))).not.toMatch(UNSAFE);
        },
      ),
    );
  });
});

describe('the text of counted connections', () => {
  const sum = (fields: Partial<SumEvent> = {}): SumEvent => ({
    type: 'sum',
    atMs: NOON_MS + 7,
    count: 12_480,
    socket: { ...socket(), opened: 'out' },
    differs: ['localPort'],
    rxBytes: 1_240_000,
    txBytes: 900,
    ...fields,
  });
  const incoming: Socket = { ...socket({ local: '192.0.2.10:80', remote: '192.0.2.7:4000' }), opened: 'in' };
  /** Returns program, pid and endpoints. */
  const subject = (fields: Partial<SumEvent>) =>
    /# (.*?)  12,480/
      .exec(eventText(sum(fields)))?.[1]
      ?.replaceAll(/ +/g, ' ')
      .trim();

  test('has program, pid, peer, number and bytes', () => {
    expect(eventText(sum())).toBe(
      '12:00:00.007 # curl                 100  tcp → 198.51.100.7:443                          12,480 short connections  ↓ 1.24 MB ↑ 900 B',
    );
    expect(eventText(sum({ count: 1 }))).toContain('  1 short connection  ');
  });

  test.each<[Partial<SumEvent>, string]>([
    [{ socket: incoming, differs: ['remotePort'] }, 'curl 100 tcp :80 ← 192.0.2.7'],
    [{ socket: incoming, differs: ['remotePort', 'remoteAddress'] }, 'curl 100 tcp :80 ← several peers'],
    [{ differs: ['localPort', 'remoteAddress'] }, 'curl 100 tcp → several peers :443'],
    [{ differs: ['localPort', 'pid'] }, 'curl · tcp → 198.51.100.7:443'],
    [{ differs: ['localPort', 'program', 'remotePort'] }, 'several · tcp → 198.51.100.7'],
    [{ differs: [] }, 'curl 100 tcp :40000 → 198.51.100.7:443'],
    [{ socket: udp(), differs: [] }, 'dhcpcd 68 udp :68'],
  ])('%j: %s', (fields, text) => {
    expect(subject(fields)).toBe(text);
  });

  test('is shorter in a narrow pane', () => {
    const lineOf = (width: number) =>
      eventLine(sum(), undefined, width, 'none')
        .spans.map(({ text }) => text)
        .join('')
        .trimEnd();
    expect(lineOf(130)).toMatch(/ 12,480 short connections$/);
    expect(lineOf(80)).toMatch(/ → 198\.51\.100\.7:443 +12,480 short$/);
    expect(lineOf(50)).toMatch(/ # curl +×12,480 → 198\.51\.100\.7:443$/);
  });
});
