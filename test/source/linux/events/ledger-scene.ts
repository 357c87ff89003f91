// A ledger with a fake of the kernel's side, in an event scene.
import { beforeEach } from 'vitest';
import { Ledger } from '../../../../src/source/linux/ledger/ledger.ts';
import { FakeBpf, type FakeEntry } from '../../../helpers/bpf.ts';
import { LEDGER_AHEAD_MS, START_MS, useEventScene } from '../../../helpers/event-scene.ts';

export let bpf: FakeBpf;

/** Makes an event scene and an empty ledger before each test. */
export function useLedgerScene(): void {
  useEventScene();
  beforeEach(() => {
    bpf = new FakeBpf();
  });
}

export const ledger = ({ isRoot = true, maxSockets = 4096 } = {}) =>
  Ledger.open({
    bpf,
    isRoot: true,
    maxSockets,
    openCgroup: () => ({ descriptor: 3, isRoot, close: () => undefined }),
  });

/** Returns a time since the start on the clock of the ledger. */
export const at = (ms: number) => START_MS + LEDGER_AHEAD_MS + ms;

export const CURL = { pid: 70, uid: 1000, comm: 'curl' };
export const WEB = { pid: 50, comm: 'web' };

/** Adds the entry of a connection that curl made after 1 ms and closed after 11 ms. */
export const enterConnection = (fields: Partial<FakeEntry> = {}): void =>
  bpf.enter(0xc0, {
    bornMs: at(1),
    creator: CURL,
    releasedMs: at(11),
    releaser: CURL,
    tcp: { operation: 'connect', local: '127.0.0.1:4000', remote: '127.0.0.1:80' },
    ...fields,
  });
