import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { detailLines } from '../../../src/view/panes/details-pane.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';
import { textOf, shown } from '../../helpers/lines.ts';
import { SCENE } from '../../helpers/scene.ts';

describe('details', () => {
  const detailsOf = (it: Socket, width = 60) => {
    const state = after(emptyState(), baseline([it]));
    return shown(detailLines(state.table.rows.get(it.id), state, KEYS, width, 100));
  };

  test('wrap a command line at its words, and a long word at any place', () => {
    const command = `start --one two ${'x'.repeat(200)} end`;
    const lines = detailsOf({ ...SCENE.node, owners: [{ knowledge: 'exact', pid: 1, command }] });
    const at = lines.findIndex((text) => text.startsWith('command'));
    const piece = 'x'.repeat(51);
    expect(lines.slice(at, at + 5).map((text) => text.slice(9))).toEqual([
      'start --one two',
      ...[piece, piece, piece],
      `${'x'.repeat(47)} end`,
    ]);
  });

  test('show the rest of a long command line at the end, so that it pushes no fact away', () => {
    const command = 'x'.repeat(4000);
    const owners = [{ knowledge: 'exact', pid: 1, command, directory: '/srv' }] as const;
    const lines = detailsOf({ ...SCENE.node, owners });
    const first = lines.findIndex((text) => text.startsWith('command'));
    const folder = lines.findIndex((text) => text.startsWith('folder'));
    expect(folder - first).toBe(6);
    const hidden = /… (\d+) more lines: all at the end/.exec(lines[folder - 1] ?? '')?.[1];
    const all = lines.slice(lines.findLastIndex((text) => text.startsWith('command')));
    expect(all.length).toBe(Number(hidden) + 5);
    expect(all.map((text) => text.replace('command', '').trim()).join('')).toBe(command);
  });

  test('wrap a command line of wide characters', () => {
    const command = '日本語'.repeat(30);
    const lines = detailsOf({ ...SCENE.node, owners: [{ knowledge: 'exact', pid: 1, command }] });
    expect(lines.join('').match(/[日本語]/gu)).toHaveLength(90);
    expect(lines.every((text) => displayWidth(text) <= 60)).toBe(true);
  });

  test('show every program that holds the socket', () => {
    const text = detailsOf(SCENE.web).join('\n');
    expect(text).toContain('web (main) 1  pid 14');
    expect(text).toContain('systemd  pid 1');
  });

  test('say in words why a program is unknown', () => {
    expect(detailsOf(SCENE.hidden).join('\n')).toContain('hidden: netpane may not see its process');
    expect(detailsOf(SCENE.kernel).join('\n')).toContain('held by the kernel, not by a process');
    expect(detailsOf(SCENE.remnant).join('\n')).toContain('last known holder of the socket');
    const unknown = socket({
      owners: [{ knowledge: 'unknown', tried: 'not among the threads; ask \x1b[2J (pid 5)' }],
    });
    expect(detailsOf(unknown).join('\n')).toContain(
      'program  no process found that holds it\n         not among the threads  ask ?[2J (pid 5)',
    );
  });

  test('say that the program which made the socket may have passed it on', () => {
    const owners = [{ knowledge: 'creator', pid: 7, process: 'systemd' }] as const;
    expect(detailsOf(socket({ owners })).join('\n')).toContain(
      'program  systemd  pid 7\n         made the socket; it may have passed it on to\n         another process',
    );
  });

  test('name the program and how it is known before the program of the peer', () => {
    const [client, server] = ['127.0.0.1:50000', '127.0.0.1:80'];
    const near = socket({ id: 'near', local: client, remote: server });
    const far = socket({ local: server, remote: client, process: 'nginx', pid: 8 });
    const state = after(
      emptyState(),
      baseline([{ ...near, owners: [{ knowledge: 'inherited', pid: 7, process: 'curl' }] }, far]),
    );
    const lines = shown(detailLines(state.table.rows.get('near'), state, KEYS, 60, 100));
    const at = lines.indexOf('remote   127.0.0.1:80  http');
    expect(lines.slice(at + 1, at + 4)).toEqual([
      'program  curl  pid 7',
      '         last known holder of the socket',
      'peer     nginx  pid 8  on this machine  % goes to its row',
    ]);
  });

  test('show the fixed lifetime of a closed socket', () => {
    const it = socket();
    const events = [{ type: 'close', atMs: 0, socket: it, learntBy: 'destroy', lifetimeMs: 0.41 }] as const;
    const closed = after(
      emptyState(),
      baseline([]),
      batch({ spawned: [it], closed: [it.id], events }),
      batch({ monotonicMs: 3000 }),
    );
    const lines = shown(detailLines(closed.table.rows.get(it.id), closed, KEYS, 60, 100));
    expect(lines).toContain('lived    0.41 ms');
    expect(lines.some((text) => text.startsWith('age'))).toBe(false);
  });

  test('show how long the connection of a remnant lived, and the age of the remnant', () => {
    const it = socket({ state: 'FIN_WAIT2' });
    const events = [{ type: 'close', atMs: 0, socket: it, learntBy: 'destroy', lifetimeMs: 0.41 }] as const;
    const left = after(
      emptyState(),
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [it], events }),
      batch({ monotonicMs: 31_000 }),
    );
    const lines = shown(detailLines(left.table.rows.get(it.id), left, KEYS, 60, 100));
    expect(lines).toEqual(expect.arrayContaining(['age      30s', 'lived    0.41 ms']));
  });

  test('say that no socket is selected', () => {
    expect(textOf(detailLines(undefined, emptyState(), KEYS, 60, 10)[0])).toMatch(
      /^DETAILS {2}no socket selected/,
    );
  });
});
