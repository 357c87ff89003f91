#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { loadBundle } from './load-bundle.ts';
import { noScreenText } from './no-screen.ts';

/**
 * Returns true if the arguments ask for the live screen, or are wrong in a way that its thread reports. Returns false if
 * in doubt: a word in lower case may be a command, and a letter may stand for help.
 */
const isForScreen = (args: readonly string[]): boolean =>
  args.every((arg) => (arg.startsWith('-') ? /^--(?!help|version|$)/.test(arg) : !/^[a-z]*$/.test(arg)));

// This file imports nothing else, so that it can report that the rest cannot be loaded, as under `ulimit -n 20`.
try {
  // The script `keeper` is a part of the program: loading all of it in this thread would take 40 ms of CPU more.
  const isKeeper = isMainThread && isForScreen(process.argv.slice(2)) && noScreenText() === undefined;
  loadBundle(isKeeper ? 'keeper' : 'program');
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
