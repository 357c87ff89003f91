#!/usr/bin/env node
import { writeSync } from 'node:fs';

// Without any other import: where the program cannot be loaded (ulimit -n 20), this file has to say so.
try {
  await import('./program.ts');
} catch (error) {
  const [reason] = String(error).split('\n', 1);
  const remedy = 'raise the limits of this shell (ulimit -n 1024) or reinstall netpane';
  try {
    writeSync(2, `netpane: cannot load the program: ${reason}: ${remedy}\n`);
  } catch {
    // The exit code has to do.
  }
  process.exit(1);
}
