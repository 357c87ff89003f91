import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NettopFailed, NettopProgram } from '../../../../src/source/macos/nettop/program.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netpane-nettop-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const LIMITS = { milliseconds: 20_000, bytes: 2 ** 20 };

/** Returns a nettop that is this shell script. */
function nettop(script: string, limits = LIMITS): NettopProgram {
  const path = join(folder, 'nettop');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return new NettopProgram(path, limits);
}

describe.skipIf(process.platform === 'win32')('a run of nettop (skipped on Windows: a shell script)', () => {
  test('returns the output; arguments and environment are fixed', async () => {
    const output = await nettop('echo "$@"; echo "$LC_ALL ${HOME-no home} $PWD"').run();
    expect(output).toBe('-L 1 -n -x\nC no home /\n');
  });

  test('kills a program that hangs', async () => {
    const program = nettop('exec sleep 600', { ...LIMITS, milliseconds: 50 });
    await expect(program.run()).rejects.toThrow(
      new NettopFailed('nettop took more than 0.05 s and was killed'),
    );
  });

  test('kills a program that floods', async () => {
    await expect(nettop('exec yes').run()).rejects.toThrow(
      new NettopFailed('nettop printed more than 1 MiB and was killed'),
    );
  });

  test.each([
    ['echo half; exit 3', 'nettop failed with exit code 3'],
    ['kill -TERM $$', 'nettop was ended by SIGTERM'],
  ])('gives no answer after %j', async (script, reason) => {
    await expect(nettop(script).run()).rejects.toThrow(new NettopFailed(reason));
  });

  test('gives no answer if the program is missing', async () => {
    const path = join(folder, 'missing');
    await expect(new NettopProgram(path).run()).rejects.toThrow(
      new NettopFailed(`${path} cannot be started (ENOENT)`),
    );
  });

  test('the end of the source kills a run that has not ended', async () => {
    const program = nettop('exec sleep 600');
    const run = program.run();
    program.close();
    await expect(run).rejects.toThrow(NettopFailed);
  });
});
