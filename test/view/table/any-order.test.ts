import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Action } from '../../../src/store/actions.ts';
import { compileForSubjects } from '../../../src/query/compile.ts';
import { GROUPS, type State } from '../../../src/store/state.ts';
import type { Row } from '../../../src/store/row.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { queryContext } from '../../../src/view/table/query-context.ts';
import { after, baseline, batch, emptyState, listener, socket } from '../../helpers/fakes.ts';
import { anyChanges, OpenSockets } from '../../helpers/random-changes.ts';
import { asking } from './follower.ts';

const QUERIES = [
  '',
  'process=a',
  'listen',
  ':443',
  'close',
  // Queries as they are typed: each one narrows the one before it.
  'a',
  'ab',
  'ab c',
  'ab cl',
  'cl',
  // Queries that depend on the clock, the baseline and host addresses.
  'age<3s',
  '!age>=2s closed or a',
  'new',
  'new or rx>1',
  '@far.example',
].map(asking);

const HIDES: readonly Action[] = ['a', 'B', 'zz'].map((process) => ({
  type: 'hide',
  rule: { process, remote: process === 'B' ? '*' : '198.51.100.7', port: process === 'B' ? 80 : 443 },
}));

const HOSTS: readonly Action[] = [
  { type: 'host', name: 'far.example', answer: { type: 'pending' } },
  { type: 'host', name: 'far.example', answer: { type: 'addresses', addresses: ['198.51.100.7'] } },
  { type: 'host', name: 'far.example', answer: { type: 'addresses', addresses: ['198.51.100.8'] } },
];

const version = fc.record({
  process: fc.constantFrom('a', 'B', 'ab', 'zz'),
  pid: fc.constantFrom(1, 20, 3),
  listens: fc.boolean(),
  closing: fc.boolean(),
  rxBytes: fc.nat(3),
});

const socketOf = (
  id: string,
  { process, pid, listens, closing, rxBytes }: typeof version extends fc.Arbitrary<infer T> ? T : never,
) =>
  listens
    ? listener({ id, process, pid })
    : socket({ id, process, pid, traffic: { rxBytes }, state: closing ? 'CLOSE_WAIT' : 'ESTABLISHED' });

const IDS = Array.from({ length: 80 }, (_, i) => `id ${i}`);
const FOLLOWED = 'id 0';
const changes = anyChanges(version, IDS, { some: 30, many: 50 }).map((wanted) => ({
  type: 'tick' as const,
  wanted,
}));

const step = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: changes },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...COLUMNS.map(({ id }) => ({ type: 'sort' as const, column: id }))),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...QUERIES),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Action>({ type: 'reverse-sort' }, { type: 'freeze' }, { type: 'pause' }),
    },
    { weight: 1, arbitrary: fc.constantFrom<Action>({ type: 'baseline' }, ...HIDES, ...HOSTS) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[...GROUPS, null].map((group) => ({ type: 'group' as const, group })),
        ...HIDES.map((_, at) => ({ type: 'shown-again' as const, at })),
      ),
    },
  ),
  /** Several steps may happen before the next paint. */
  painted: fc.boolean(),
});

const openOf = (rows: readonly Row[]): number => rows.filter(({ mark }) => mark !== 'closed').length;

/** Returns the rows to show and those hidden by a hide rule, computed directly from the state. */
function wantedOf(state: State): { shown: Row[]; hidden: Row[] } {
  const rows = [...(state.pause ?? state.table).rows.values()];
  const nowMs = state.pause?.nowMs ?? state.nowMs ?? 0;
  const matches = compileForSubjects(state.query, { ...queryContext(state), nowMs });
  const isHidden = ({ socket: { owners, remote, local } }: Row): boolean =>
    state.hideRules.some(
      (it) =>
        it.process === owners[0]?.process &&
        it.remote === (remote?.address ?? '*') &&
        it.port === (remote?.port ?? local.port),
    );
  const asked = rows.filter(matches);
  return { shown: asked.filter((row) => !isHidden(row)), hidden: asked.filter(isHidden) };
}

test('after any steps the order equals a fresh sort of the matching rows', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const order = new RowOrder();
      let state = after(emptyState(), baseline([]));
      const open = new OpenSockets();
      let before: string[] = [];
      let resorted = true;
      for (const [i, { what, painted }] of steps.entries()) {
        if (what.type === 'tick') {
          const changed = open.take(what.wanted, socketOf);
          state = after(state, batch({ monotonicMs: i * 1000, ...changed }));
        } else if (what.type === 'shown-again') {
          const list = { kind: 'hide-rules' as const, at: what.at };
          state = after(state, { type: 'list', list }, { type: 'remove-line' });
          resorted = true;
        } else {
          state = after(state, what);
          resorted ||= what.type !== 'pause';
        }
        if (!painted) continue;
        order.update(state);
        const now = order.slice().map(({ id }) => id);
        // `indexOf` keeps its last answer. It was asked for this row before the update too, so a stale answer is noticed here.
        expect(order.indexOf(FOLLOWED)).toBe(now.indexOf(FOLLOWED));
        const fresh = new RowOrder();
        fresh.update(state);
        if (state.frozen) {
          expect(new Set(order.rows())).toEqual(new Set(fresh.rows()));
          const kept = before.filter((id) => now.includes(id));
          if (!resorted && state.group === null) expect(now.slice(0, kept.length)).toEqual(kept);
        } else expect(order.slice()).toEqual(fresh.slice());
        expect(now.every((id, index) => order.indexOf(id) === index)).toBe(true);
        const wanted = wantedOf(state);
        expect(new Set(order.rows())).toEqual(new Set(wanted.shown));
        expect(order.openCount).toBe(openOf(wanted.shown));
        expect(order.hiddenCount).toBe(openOf(wanted.hidden));
        expect(IDS.filter((id) => !now.includes(id) && order.indexOf(id) !== -1)).toEqual([]);
        order.indexOf(FOLLOWED);
        [before, resorted] = [now, false];
      }
    }),
    { numRuns: 300 },
  );
});
