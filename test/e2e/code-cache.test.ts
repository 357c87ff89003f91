// The code caches of the build: V8 compiles what they lack again in each start.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { root } from '../helpers/herd.ts';
import { isLinux } from './netpane.ts';

test.skipIf(!isLinux).each(['keeper', 'ls', 'program', 'sampler-ls-watch', 'screen'])(
  'the code cache of %s has functions that a start calls (skipped except on Linux)',
  (name) => {
    const file = join(root, 'dist', name);
    const beforeAnyCall = new Script(readFileSync(`${file}.js`, 'latin1')).createCachedData();
    expect(statSync(`${file}.${process.platform}-${process.arch}.cache`).size).toBeGreaterThan(
      1.3 * beforeAnyCall.length,
    );
  },
);
