import { PcblistSource, type PcblistOptions } from '../../../src/source/macos/pcblist.ts';
import type { FakeMac } from './fake-calls.ts';

/** Returns the source `pcblist` of an ordinary user on a fake macOS without interfaces; its clocks stand still. */
export const pcblistOn = (calls: FakeMac, options: Partial<PcblistOptions> = {}): PcblistSource =>
  new PcblistSource({
    calls,
    also: [],
    tcpDetails: false,
    ownerBudgetMs: 1000,
    ownUid: 501,
    isRoot: false,
    darwin: 25,
    nowMs: () => 0,
    wallMs: () => 0,
    readAddresses: () => ({}),
    ...options,
  });
