import { describe, expect, test } from 'vitest';
import { LOCAL_HOST } from '../../src/model/host.ts';
import { alignedTable, socketsCsv, socketsJson, tabSeparated } from '../helpers/export.ts';
import type { Owner, Socket } from '../../src/model/socket.ts';
import { compileForSubjects } from '../../src/query/compile.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import { compileHideRules, hideRuleOf } from '../../src/store/hide-rules.ts';
import { columnOf } from '../../src/view/columns/columns.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { detailLines } from '../../src/view/panes/details-pane.ts';
import { eventLine, eventText } from '../../src/view/panes/events.ts';
import { GROUPINGS } from '../../src/view/table/grouping.ts';
import { cellContext, rowText } from '../../src/view/table/rows.ts';
import { termOfCell } from '../../src/view/columns/terms.ts';
import { trafficLines } from '../../src/view/panes/traffic.ts';
import { after, baseline, emptyState, NOON_MS, queryFrom, socket } from '../helpers/fakes.ts';
import { placed, textOf } from '../helpers/lines.ts';
import { subject } from '../helpers/queries.ts';

const SSHD: Owner = { knowledge: 'exact', pid: 7, process: 'sshd' };

/** Owners behind netpane's own marks, by the text of the mark, which a program could have as its name. */
const MARKS: Readonly<Record<string, readonly Owner[]>> = {
  '(sshd)': [{ ...SSHD, knowledge: 'inherited' }],
  '[nginx]': [{ knowledge: 'listener', pid: 8, process: 'nginx' }],
  'sshd +2': [SSHD, { knowledge: 'exact', pid: 8 }, { knowledge: 'exact', pid: 9 }],
  'dig?': [{ knowledge: 'sender', pid: 8, process: 'dig' }],
  kernel: [{ knowledge: 'kernel' }],
  hidden: [{ knowledge: 'hidden' }],
  gone: [{ knowledge: 'gone' }],
  '…': [{ knowledge: 'pending' }],
  '?': [{ knowledge: 'exact', pid: 7 }],
};

const of = (owners: readonly Owner[]): Socket => ({ ...socket({ id: 'x' }), owners });
const stateOf = (it: Socket) => after(emptyState(), baseline([it]));
const rowOf = (it: Socket) => ({ id: 'x', host: LOCAL_HOST, ...subject(it) });

const COPIED = placed('process', 'remoteAddress').map(({ column }) => column);

/** All outputs that show a name as text. */
const OUTPUTS: Readonly<Record<string, (it: Socket) => string>> = {
  'the table': (it) => rowText(rowOf(it), COPIED, cellContext(stateOf(it))),
  details: (it) => detailLines(rowOf(it), stateOf(it), KEYS, 60, 30).map(textOf).join('\n'),
  events: (it) =>
    textOf(eventLine({ type: 'spawn', atMs: NOON_MS, socket: it, learntBy: 'poll' }, undefined, 120, 'none')),
  watch: (it) => eventText({ type: 'spawn', atMs: NOON_MS, socket: it, learntBy: 'poll' }),
  'ls for a person': (it) => alignedTable([it]),
  'ls for programs': (it) => tabSeparated([it]),
  groups: (it) => GROUPINGS.process.label(rowOf(it), NO_LOOKUPS),
};

describe.each(Object.entries(MARKS))('a program called %s', (name, owners) => {
  const [mark, named] = [of(owners), of([{ knowledge: 'exact', pid: 7, process: name }])];

  test.each(Object.entries(OUTPUTS))('is in quotes in %s', (_, output) => {
    expect(output(named)).toContain(`"${name}"`);
    expect(output(mark)).not.toContain('"');
  });

  test('has its plain name in JSON and CSV, with how the owner is known', () => {
    const fieldsOf = (it: Socket) => (JSON.parse(socketsJson([it])) as Socket[])[0]?.owners[0];
    expect(fieldsOf(named)).toMatchObject({ process: name, knowledge: 'exact' });
    expect(fieldsOf(mark)?.process).not.toBe(name);
    expect(socketsCsv([named])).not.toBe(socketsCsv([mark]));
  });

  test('is found by process:, the mark is not', () => {
    const context = { nowMs: 0, baselineMs: undefined, addressesOf: () => undefined };
    for (const text of [
      `process="${name}"`,
      `process:"${name}"`,
      termOfCell('process', rowOf(named), NO_LOOKUPS) ?? '',
    ]) {
      const finds = compileForSubjects(queryFrom(text), context);
      expect([finds(rowOf(named)), finds(rowOf(mark))]).toEqual([true, false]);
    }
  });

  test('can be hidden without hiding the mark', () => {
    const [hidesName, hidesMark] = [named, mark].map((it) => compileHideRules([hideRuleOf(it, 'out')]));
    expect([hidesName?.(named, 'out'), hidesMark?.(mark, 'out')]).toEqual([true, true]);
    if (owners[0]?.process !== undefined) return;
    expect([hidesName?.(mark, 'out'), hidesMark?.(named, 'out')]).toEqual([false, false]);
  });
});

// Other names from outside that have a sign for a missing value.
test('users, namespaces and texts of columns are quoted', () => {
  const column = (id: string, it: Socket) => columnOf(id)?.text(rowOf(it), cellContext(emptyState()));
  const unknown = socket({ owners: [{ knowledge: 'hidden' }] });
  const called = socket({
    user: '·',
    netns: { inode: 8, name: '4026531840' },
    interface: '·',
    owners: [{ knowledge: 'exact', pid: 1, process: 'x', command: '·' }],
  });
  expect(['user', 'command', 'interface'].map((id) => column(id, unknown))).toEqual(['·', '·', '·']);
  expect(['user', 'command', 'interface', 'netns'].map((id) => column(id, called))).toEqual([
    '"·"',
    '"·"',
    '"·"',
    '"4026531840"',
  ]);
  expect(GROUPINGS.user.label(rowOf(socket({ user: 'unknown' })), NO_LOOKUPS)).toBe('"unknown"');
});

test('programs of the traffic pane are quoted', () => {
  const state = stateOf(of([{ knowledge: 'exact', pid: 7, process: '?' }]));
  expect(trafficLines(state, 60, 20).map(textOf).join('\n')).toContain('"?"');
});
