#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { loadBundle } from './load-bundle.ts';

// No other import: this file must be able to report that the program cannot be loaded, as under `ulimit -n 20`.
try {
  loadBundle('program');
} catch (error) {
  const [reason] = String(error).split('\n', 1);
  const remedy = 'raise the limits of this shell (ulimit -n 1024) or reinstall netpane';
  try {
    writeSync(2, `netpane: cannot load the program: ${reason}: ${remedy}\n`);
  } catch {
    // stderr does not work: only the exit code is left.
  }
  process.exit(1);
}
