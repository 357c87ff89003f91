import { expect, test } from 'vitest';
import type { Network } from '../../../src/source/linux/namespaces/network.ts';
import { facilitiesOf } from '../../../src/source/linux/sockdiag-facilities.ts';

/** Open namespaces, each with close messages or without. */
const networks = (...withCloses: readonly boolean[]) => ({
  values: () => withCloses.map((closes) => ({ closes: closes ? {} : undefined }) as Network).values(),
});
const LEDGER = { noOwnersReason: undefined, noTrafficReason: undefined };

test('with a ledger the trace is not needed', () => {
  expect(facilitiesOf(networks(true, false), LEDGER, { level: 'lives' })).toEqual({
    closeMessages: true,
    ledger: true,
    trace: 'not needed: the ledger names the programs',
    namespaces: 2,
  });
});

test('a ledger that cannot name programs says why, and the trace is in use', () => {
  const ledger = { ...LEDGER, noOwnersReason: 'it needs Linux 6.10' };
  expect(facilitiesOf(networks(true), ledger, { level: 'changes' })).toMatchObject({
    ledger: 'it needs Linux 6.10',
    trace: true,
  });
});

test('without ledger and trace both have their reasons', () => {
  expect(
    facilitiesOf(networks(false), 'it needs root', { level: 'closes', why: 'tracing needs root' }),
  ).toEqual({
    closeMessages: 'this kernel does not report closed sockets',
    ledger: 'it needs root',
    trace: 'tracing needs root',
    namespaces: 1,
  });
});
