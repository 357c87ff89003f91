// The code caches of the build: V8 compiles what they lack again in each start.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { root } from '../helpers/herd.ts';
import { isLinux } from './netpane.ts';

const dist = join(root, 'dist');
const cacheOf = (name: string) => join(dist, `${name}.${process.platform}-${process.arch}.cache`);

/** Prints whether V8 rejects the code cache of a script, in a process with the flags of netpane's start. */
const IS_REJECTED = `const { readFileSync } = require('node:fs');
const [file, cache] = process.argv.slice(1);
const cachedData = readFileSync(cache);
console.log(new (require('node:vm').Script)(readFileSync(file, 'latin1'), { cachedData }).cachedDataRejected);`;

describe.skipIf(!isLinux)('the code caches of the build (skipped except on Linux)', () => {
  test.each(['keeper', 'ls', 'program', 'sampler-ls-watch', 'screen'])(
    '%s: V8 accepts it, and it has functions that a start calls',
    (name) => {
      const script = join(dist, `${name}.js`);
      const beforeAnyCall = new Script(readFileSync(script, 'latin1')).createCachedData();
      expect(readFileSync(cacheOf(name)).length).toBeGreaterThan(1.3 * beforeAnyCall.length);
      const { stdout } = spawnSync(process.execPath, ['-e', IS_REJECTED, script, cacheOf(name)]);
      expect(stdout.toString()).toBe('false\n');
    },
  );

  test('the build removes the files by which threads report what they have compiled', () => {
    expect(readdirSync(dist).filter((file) => file.endsWith('.warm'))).toEqual([]);
  });
});
