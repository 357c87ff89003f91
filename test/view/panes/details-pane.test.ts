import { describe, expect, test } from 'vitest';
import { KEYS, Keymap } from '../../../src/tui/keymap.ts';
import { detailLines } from '../../../src/view/panes/details-pane.ts';
import type { NetworkNamespace, Socket } from '../../../src/model/socket.ts';
import { EVERY_FIELD } from '../../helpers/every-field.ts';
import { after, baseline, emptyState, socket } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';
import { SCENE } from '../../helpers/scene.ts';

const shown = (...args: Parameters<typeof detailLines>): string[] =>
  detailLines(...args).map((it) => textOf(it).trimEnd());

describe('the details', () => {
  const state = after(emptyState(), baseline([SCENE.node]));
  const row = state.table.rows.get(SCENE.node.id);
  const all = shown(row, state, KEYS, 60, 100).slice(1);
  const scrolled = (by: number, height = 6) => {
    const scroll = { type: 'scroll', pane: 'details', by, lines: all.length, height: height - 1 } as const;
    return shown(row, after(state, scroll), KEYS, 60, height);
  };

  test('scroll, and say which lines are visible', () => {
    expect(all.length).toBeGreaterThan(10);
    expect(scrolled(0)).toEqual([`DETAILS  1–5 of ${all.length}`, ...all.slice(0, 5)]);
    expect(scrolled(2)).toEqual([`DETAILS  3–7 of ${all.length}`, ...all.slice(2, 7)]);
    expect(scrolled(99).slice(1)).toEqual(all.slice(-5));
  });

  test('leave no room empty after the pane has grown, and then say no position', () => {
    expect(
      shown(
        row,
        { ...state, places: { ...state.places, details: { top: 9, index: -1, moved: false } } },
        KEYS,
        60,
        100,
      ),
    ).toEqual(['DETAILS', ...all]);
  });

  test('mark their title while the keys scroll them', () => {
    expect(shown(row, state, KEYS, 60, 6, true)[0]).toMatch(/^▸ DETAILS {2}1–5/);
  });

  test('cut a note that is too long for their title', () => {
    const away = { ...state, selectedId: 'another' };
    expect(shown(row, away, KEYS, 40, 6)[0]).toMatch(/^DETAILS {2}1–5 of \d+ · selected socket no…$/);
    expect(shown(row, away, KEYS, 80, 6)[0]).toMatch(/in its place$/);
  });

  test('start at their first line when another socket is selected', () => {
    const two = after(emptyState(), baseline([socket({ id: 'a' }), socket({ id: 'b' })]));
    const down = after(two, { type: 'scroll', pane: 'details', by: 3, lines: 20, height: 5 });
    expect(down.places.details.top).toBe(3);
    expect(after(down, { type: 'select', id: 'b' }).places.details.top).toBe(0);
  });

  test('list the last peers of a socket without a remote endpoint', () => {
    const peers = [
      { address: '2001:db8::1', port: 53 },
      { address: '192.0.2.1', port: 443 },
    ];
    const dns = socket({ protocol: 'udp', family: 'ipv6', remote: null, peers });
    const linesOf = (it: Socket) => {
      const state = after(emptyState(), baseline([it]));
      return shown(state.table.rows.get(it.id), state, KEYS, 60, 100);
    };
    expect(linesOf(dns)).toContain('peers    [2001:db8::1]:53  192.0.2.1:443');
    const ping = socket({ protocol: 'icmp', remote: null, peers: peers.slice(1) });
    expect(linesOf(ping)).toContain('peers    192.0.2.1');
  });

  test.each([
    ['0.0.0.0:80', 'warning'],
    ['127.0.0.1:80', 'plain'],
  ])('show who can reach a listener at %s in the tone %s', (local, tone) => {
    const listener = socket({ local, remote: null, state: 'LISTEN' });
    const open = after(emptyState(), baseline([listener]));
    const lines = detailLines(open.table.rows.get(listener.id), open, KEYS, 60, 100);
    const exposure = lines.find((it) => textOf(it).startsWith('exposure'));
    expect(exposure?.spans[1]?.tone).toBe(tone);
  });

  test('show every known value of a socket', () => {
    const every = after(emptyState(), baseline([EVERY_FIELD]));
    const known = every.table.rows.get(EVERY_FIELD.id);
    const text = shown(known && { ...known, direction: 'in' }, every, KEYS, 200, 100).join('\n');
    for (const value of [
      ...[
        'raw6',
        'ESTABLISHED',
        'incoming',
        '::1',
        '::2',
        'node',
        'runs sh now',
        'pid 7',
        'node a.js',
        '/usr/bin/node',
      ],
      ...[
        'runs as  www',
        'interface lo',
        '~ana/web',
        '1 B',
        '0 B',
        '3 packets',
        '4 packets',
        '0 retransmitted',
      ],
      ...[
        '6µs',
        '7µs',
        'cwnd 8',
        '9 B/s',
        '0 B unread',
        '11 B unacked',
        'retransmit in',
        'sk:1',
        'inode    7',
      ],
    ])
      expect(text).toContain(value);
  });
});

describe('the peer of a local connection', () => {
  const own = { inode: 1, own: true } as const;
  const [web, inner] = [
    { inode: 7, name: 'web' },
    { inode: 8, name: 'inner' },
  ];
  const client = { id: 'client', local: '172.17.0.2:40000', remote: '172.17.0.1:80' };
  const server = {
    id: 'server',
    local: '172.17.0.1:80',
    remote: '172.17.0.2:40000',
    process: 'nginx',
    pid: 8,
  };
  const peerLine = (of: string, clientIn: NetworkNamespace, serverIn: NetworkNamespace, keys = KEYS) => {
    const sockets = [socket({ ...client, netns: clientIn }), socket({ ...server, netns: serverIn })];
    const state = after(emptyState(), baseline(sockets));
    const lines = detailLines(state.table.rows.get(of), state, keys, 200, 100).map(textOf);
    return lines
      .find((it) => it.startsWith('peer'))
      ?.replace(/ +/g, ' ')
      .trim();
  };

  test('says in which namespace it is', () => {
    expect(peerLine('client', web, own)).toBe(
      'peer nginx pid 8 in the namespace of netpane % goes to its row',
    );
    expect(peerLine('server', web, inner)).toBe('peer curl pid 100 in namespace web % goes to its row');
  });

  test('names the key in effect', () => {
    const keys = (key: string[]) => new Keymap({ 'go-to-peer': key }).bindings;
    expect(peerLine('client', web, own, keys(['F9']))).toContain('F9 goes to its row');
    expect(peerLine('client', web, own, keys([]))).toContain(
      ': go to the peer of a local connection goes to its row',
    );
  });
});
