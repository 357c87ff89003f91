import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import {
  compileHideRules,
  type HideRule,
  hideRuleOf,
  servicePort,
  withHideRule,
} from '../../src/store/hide-rules.ts';
import type { Action } from '../../src/store/actions.ts';
import type { State } from '../../src/store/state.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, listener, socket, udp } from '../helpers/fakes.ts';

const out = socket({ process: 'node', local: '10.0.0.5:51000', remote: '203.0.113.80:443' });

describe('the hide rule of a socket', () => {
  test.each<[string, Socket, 'in' | 'out' | undefined, HideRule]>([
    ['outgoing: the port of the peer', out, 'out', { process: 'node', remote: '203.0.113.80', port: 443 }],
    ['incoming: the local port', out, 'in', { process: 'node', remote: '203.0.113.80', port: 51_000 }],
    [
      'unknown direction: the lower port',
      out,
      undefined,
      { process: 'node', remote: '203.0.113.80', port: 443 },
    ],
    ['without a peer', listener({ local: '*:80' }), undefined, { process: 'nginx', remote: '*', port: 80 }],
    ['UDP', udp(), undefined, { process: 'dhcpcd', remote: '*', port: 68 }],
    [
      'IPv4-mapped IPv6: the IPv4 peer',
      socket({ local: '[::ffff:10.0.0.5]:51000', remote: '[::ffff:203.0.113.80]:443', process: 'node' }),
      'out',
      { process: 'node', remote: '203.0.113.80', port: 443 },
    ],
    [
      'no process: the knowledge of the owner',
      { ...out, owners: [{ knowledge: 'hidden' }] },
      'out',
      { process: 'hidden', remote: '203.0.113.80', port: 443 },
    ],
  ])('%s', (_, it, direction, rule) => {
    expect(hideRuleOf(it, direction)).toEqual(rule);
    expect(servicePort(it, direction)).toBe(rule.port);
    expect(compileHideRules([rule])?.(it, direction)).toBe(true);
  });

  test('no rules compile to undefined', () => {
    expect(compileHideRules([])).toBeUndefined();
  });

  test.each<[string, Partial<HideRule>]>([
    ['another program', { process: 'nodes' }],
    ['another peer', { remote: '203.0.113.8' }],
    ['another port', { port: 51_000 }],
  ])('%s does not match', (_, other) => {
    expect(compileHideRules([{ ...hideRuleOf(out, 'out'), ...other }])?.(out, 'out')).toBe(false);
  });

  test('rules are unique, in the order in which they were added', () => {
    const [a, b] = [hideRuleOf(out, 'out'), hideRuleOf(udp(), undefined)];
    const both = withHideRule(withHideRule([], a), b);
    expect(both).toEqual([a, b]);
    expect(withHideRule(both, { ...a })).toBe(both);
    expect(withHideRule(both, { ...a, port: 444 })).toHaveLength(3);
  });

  test('hides sockets that match in all three fields, and no others', () => {
    const process = fc.constantFrom('a', 'b', 'a\n*', '');
    const some = fc.record({
      process,
      far: fc.constantFrom('192.0.2.1', '192.0.2.2', '*'),
      port: fc.constantFrom(1, 2, 3),
    });
    const made = ({ process: name, far, port }: { process: string; far: string; port: number }) =>
      far === '*'
        ? listener({ process: name, local: `*:${port}` })
        : socket({ process: name, local: '10.0.0.5:50000', remote: `${far}:${port}` });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 5 }), some, (all, one) => {
        const rules = all.map((it) => hideRuleOf(made(it), undefined));
        const isHidden = all.some(
          (it) => it.process === one.process && it.far === one.far && it.port === one.port,
        );
        expect(compileHideRules(rules)?.(made(one), undefined)).toBe(isHidden);
      }),
    );
  });
});

describe('hide rules in the table', () => {
  const again = socket({ process: 'node', local: '10.0.0.5:51001', remote: '203.0.113.80:443' });
  const other = socket({ process: 'curl', local: '10.0.0.5:51002', remote: '203.0.113.80:443' });
  const hide: Action = { type: 'hide', rule: hideRuleOf(out, 'out') };

  function shown(state: State) {
    const order = new RowOrder();
    order.update(state);
    return { rows: order.rows().map(({ id }) => id), hidden: order.hiddenCount };
  }

  test('hide present and later sockets, and count them', () => {
    const state = after(emptyState(), baseline([out, other]), hide);
    expect(shown(state)).toEqual({ rows: [other.id], hidden: 1 });
    expect(shown(after(state, batch({ spawned: [again] })))).toEqual({ rows: [other.id], hidden: 2 });
  });

  test('count only sockets that match the query', () => {
    const state = after(emptyState('curl'), baseline([out, other]), hide);
    expect(shown(state)).toEqual({ rows: [other.id], hidden: 0 });
  });

  test('are added once, and removing one shows its sockets again', () => {
    const state = after(emptyState(), baseline([out, other]), hide, hide);
    expect(state.hideRules).toHaveLength(1);
    const opened = after(
      state,
      { type: 'list', list: { kind: 'hide-rules', at: 0 } },
      { type: 'remove-line' },
    );
    expect(opened).toMatchObject({ hideRules: [], list: { kind: 'hide-rules', at: 0 } });
    expect(shown(opened)).toEqual({ rows: [other.id, out.id], hidden: 0 });
    expect(after(opened, { type: 'remove-line' }).hideRules).toEqual([]);
  });

  test('removing the last one moves the cursor of the list up', () => {
    const two: Action = { type: 'hide', rule: hideRuleOf(other, 'out') };
    const state = after(
      emptyState(),
      hide,
      two,
      { type: 'list', list: { kind: 'hide-rules', at: 1 } },
      { type: 'remove-line' },
    );
    expect(state).toMatchObject({ hideRules: [hideRuleOf(out, 'out')], list: { at: 0 } });
  });
});
