// The trace instance that netpane creates in the kernel: it is removed however netpane ends. How the screen ends, and
// crashes, is in terminal.test.ts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { faults, newHome, startNetpane } from './netpane.ts';
import { noStage, noTrace, ONE_POLL, why } from './short-lives.ts';
import { Stage } from './stage.ts';
import { traceInstances, untilCreated } from './trace-instances.ts';

describe.skipIf(noTrace !== undefined)(`the trace instance that netpane creates${why(noTrace)}`, () => {
  let instancesOf: (pid: number) => string[];
  beforeAll(async () => {
    instancesOf = await traceInstances();
  });
  const startScreen = () =>
    startNetpane({
      args: ['--interval', '60m'],
      nodeArgs: ['--require', faults],
      env: { NETPANE_FAULT: 'no-ledger' },
    });

  test('is removed by the next netpane if its own was killed', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const server = await stage.serve();
    const [watcher, screen] = [await stage.watch(server, ONE_POLL), startScreen()];
    const pids = [watcher.program.pid, screen.pid];
    for (const pid of pids) await untilCreated(pid, instancesOf);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all([watcher.program.ended, screen.exited]);
    const next = await stage.watch(server, ONE_POLL);
    expect(pids.map(instancesOf)).toEqual([[], []]);
    expect(instancesOf(next.program.pid)).toHaveLength(1);
    next.program.child.kill('SIGTERM');
    expect(await next.program.ended).toBe(0);
    expect(instancesOf(next.program.pid)).toEqual([]);
  });

  test('is removed when watch ends by SIGINT, SIGTERM or SIGHUP', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const server = await stage.serve();
    const ended = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(async (signal) => {
      const { program } = await stage.watch(server, ONE_POLL);
      const before = instancesOf(program.pid).length;
      program.child.kill(signal);
      const code = await program.ended;
      expect({ signal, before, code, after: instancesOf(program.pid) }).toEqual({
        signal,
        before: 1,
        code: 0,
        after: [],
      });
    });
    await Promise.all(ended);
  });

  // koffi aborts the program if its thread ends while it is being loaded.
  test.each([
    ['q', 0, (t: Terminal) => t.write('q')],
    ['SIGTERM', 143, (t: Terminal) => process.kill(t.pid, 'SIGTERM')],
  ])('is removed when the screen ends by %s while the source is being opened', async (_, exitCode, end) => {
    const file = join(newHome(), 'loading');
    const t = startNetpane({
      nodeArgs: ['--require', faults],
      env: { NETPANE_FAULT: 'slow-to-load', NETPANE_FAULT_FILE: file },
    });
    const steps = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await t.until('the screen and koffi', () => t.modes().alternateScreen && steps() === 'loading ');
    end(t);
    expect(await t.exited).toEqual({ exitCode, signal: 0 });
    expect(steps()).toBe('loading ending loaded');
    expect(instancesOf(t.pid)).toEqual([]);
  });

  test('is removed when watch crashes', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const faultFile = join(newHome(), 'fault');
    const { program } = stage.start({ fault: ['timer-throws'], faultFile });
    await untilCreated(program.pid, instancesOf);
    writeFileSync(faultFile, '');
    expect(await program.ended).toBe(1);
    expect(instancesOf(program.pid)).toEqual([]);
  });

  test.skipIf(noStage !== undefined)(`is not created for an ordinary user${why(noStage)}`, async () => {
    const stage = await Stage.create({ hasLedger: false });
    const { program } = await stage.watch(await stage.serve(), { ...ONE_POLL, isOrdinary: true });
    expect(instancesOf(program.pid)).toEqual([]);
    await program.until('the reason', () => /short-lived changes may be missed.*root/.test(program.stderr));
  });
});
