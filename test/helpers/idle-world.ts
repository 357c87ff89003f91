import type { World } from '../../src/cli/effects.ts';

/** A world in which nothing happens, and whose clock stands still. */
export const IDLE_WORLD: World = {
  quit: () => {},
  suspend: () => {},
  redraw: () => {},
  bell: () => {},
  setInterval: () => {},
  usageOf: async () => undefined,
  askNames: () => {},
  readLocations: () => {},
  resolve: async () => ({ type: 'failed', why: 'not available' }),
  copy: async () => ({ text: '', isError: false }),
  save: async () => ({ text: '', isError: false }),
  saveState: () => {},
  readEvidence: () => {},
  stopEvidence: () => {},
  readFirewall: async () => [],
  askWhois: () => {},
  openProcess: async () => 'not available',
  signal: () => ({ reached: 0 }),
  waitForEnd: async () => ({ hasEnded: false, afterMs: 0 }),
  releaseProcess: () => {},
  closeSockets: async () => ({ closed: 0, refusals: [] }),
  wallMs: () => 0,
  nowMs: () => 0,
  samplerActivity: () => '',
};
