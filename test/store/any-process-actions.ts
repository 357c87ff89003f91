import fc from 'fast-check';
import { SCOPES, SIGNALS } from '../../src/model/process.ts';
import type { Action } from '../../src/store/actions.ts';
import { NOON_MS } from '../helpers/fakes.ts';

const from = <const T>(...values: readonly T[]) => fc.constantFrom(...values);

const facts = fc
  .record({
    pid: fc.integer({ min: 1, max: 3 }),
    name: from('a', 'b'),
    children: fc.nat(2),
    group: from(undefined, { id: 1, members: 2 }),
    guard: from(undefined, 'init' as const),
  })
  .map(({ group, guard, ...rest }) => ({ ...rest, ...(group && { group }), ...(guard && { guard }) }));

/** Every kind of action on processes and sockets, except those with rows in them. */
export const PROCESS_ACTIONS = {
  'open-process': from<Action>({ type: 'open-process', target: { pid: 7 } }),
  'process-opened': facts.map((it) => ({ type: 'process-opened', facts: it })),
  evidence: facts.map(({ pid }) => ({
    type: 'evidence',
    evidence: { pid, verdict: [], lines: [{ label: 'why', text: 'a', from: 'b' }], isComplete: true },
  })),
  'next-scope': from<Action>({ type: 'next-scope' }),
  signal: from(...SIGNALS).map((signal) => ({ type: 'signal', signal })),
  signalled: fc
    .tuple(facts, from(...SCOPES), from(...SIGNALS), fc.nat(2), from(undefined, 'not permitted'))
    .map(([it, scope, signal, reached, refused]) => ({
      type: 'signalled',
      facts: it,
      scope,
      signal,
      result: { reached, ...(refused !== undefined && { refused }) },
      wallMs: NOON_MS,
    })),
  waited: fc.tuple(facts, fc.boolean()).map(([it, hasEnded]) => ({
    type: 'waited',
    facts: it,
    signal: 'TERM',
    afterMs: 300,
    hasEnded,
    wallMs: NOON_MS,
  })),
  'sockets-closed': fc.nat(3).map((closed) => ({
    type: 'sockets-closed',
    what: 'a',
    result: { closed, refusals: closed === 0 ? [{ why: 'closed already', count: 1 }] : [] },
    wallMs: NOON_MS,
  })),
  whois: from<Action>({ type: 'whois', address: '192.0.2.1' }),
  'whois-answer': fc.boolean().map((isComplete) => ({
    type: 'whois-answer',
    whois: { address: '192.0.2.1', asked: ['a'], text: 'b\n', isComplete },
  })),
  'on-rule': fc.tuple(fc.boolean(), fc.boolean()).map(([isError, bell]) => ({
    type: 'on-rule',
    text: 'a',
    isError,
    bell,
    wallMs: NOON_MS,
  })),
} satisfies Partial<Record<Action['type'], fc.Arbitrary<Action>>>;
