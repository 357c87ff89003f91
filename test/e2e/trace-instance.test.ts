// The trace instance that netpane creates in the kernel: it is removed however netpane ends.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { findTracefs } from '../../src/source/linux/trace/tracefs.ts';
import { eventually } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { faults, newHome, type Start, startNetpane, tableRows } from './netpane.ts';
import type { Server } from './server.ts';
import { noStage, noTrace, ONE_POLL, why } from './short-lives.ts';
import { Stage } from './stage.ts';

describe.skipIf(noTrace !== undefined)(`the trace instance that netpane creates${why(noTrace)}`, () => {
  let native: Native;
  beforeAll(async () => {
    native = await Native.load();
  });

  /** Returns the names of the trace instances that a netpane created, wherever tracefs is mounted. */
  function instancesOf(pid: number): string[] {
    const { root, mount } = findTracefs(native);
    try {
      return readdirSync(`${root}/instances`).filter((name) => name.startsWith(`netpane-${pid}-`));
    } finally {
      if (mount !== undefined) native.close(mount);
    }
  }
  const untilCreated = (pid: number) =>
    eventually(
      () => `an instance of ${pid}`,
      () => instancesOf(pid).length > 0,
    );
  const startScreen = (options: Start = {}) =>
    startNetpane({
      args: ['--interval', '60m'],
      nodeArgs: ['--require', faults],
      env: { NETPANE_FAULT: 'no-ledger' },
      ...options,
    });
  /** Starts a screen and waits for its first poll. */
  async function screenWith(server: Server, stage: Stage): Promise<Terminal> {
    const t = startScreen({
      args: ['--interval', '60m', '--port', String(server.port)],
      through: [...stage.through],
    });
    await t.until('the listener', () => tableRows(t).length > 0);
    return t;
  }

  test('is removed by the next netpane if its own was killed', async () => {
    const stage = await Stage.create({ hasLedger: false });
    const server = await stage.serve();
    const [watcher, screen] = [await stage.watch(server, ONE_POLL), startScreen()];
    const pids = [watcher.program.pid, screen.pid];
    for (const pid of pids) await untilCreated(pid);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all([watcher.program.ended, screen.exited]);
    const next = await stage.watch(server, ONE_POLL);
    expect(pids.map(instancesOf)).toEqual([[], []]);
    expect(instancesOf(next.program.pid)).toHaveLength(1);
    next.program.child.kill('SIGTERM');
    expect(await next.program.ended).toBe(0);
    expect(instancesOf(next.program.pid)).toEqual([]);
  });

  test.each<[string, (t: Terminal) => unknown]>([
    ['q', (t) => t.write('q')],
    ['SIGTERM', ({ pid }) => process.kill(pid, 'SIGTERM')],
    ['SIGHUP', ({ pid }) => process.kill(pid, 'SIGHUP')],
  ])('is removed when the screen ends by %s', async (_, end) => {
    const stage = await Stage.create({ hasLedger: false });
    const t = await screenWith(await stage.serve(), stage);
    expect(instancesOf(t.pid)).toHaveLength(1);
    end(t);
    await t.exited;
    expect(instancesOf(t.pid)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is removed when watch ends by %s', async (signal) => {
    const stage = await Stage.create({ hasLedger: false });
    const { program } = await stage.watch(await stage.serve(), ONE_POLL);
    expect(instancesOf(program.pid)).toHaveLength(1);
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
    expect(instancesOf(program.pid)).toEqual([]);
  });

  /** Returns the settings of a program without a ledger that has a fault, and a function that starts the fault. */
  function withFault(fault: string) {
    const file = join(newHome(), 'fault');
    return {
      settings: {
        nodeArgs: ['--require', faults],
        env: { NETPANE_FAULT: `no-ledger,${fault}`, NETPANE_FAULT_FILE: file },
      },
      begin: () => writeFileSync(file, ''),
    };
  }
  test.each(['render-throws', 'worker-throws', 'worker-exits', 'timer-throws'])(
    'is removed when the screen crashes: %s',
    async (fault) => {
      const { settings, begin } = withFault(fault);
      const { pid, exited } = startScreen({ ...settings, args: ['--interval', '200ms'] });
      await untilCreated(pid);
      begin();
      expect((await exited).exitCode).not.toBe(0);
      expect(instancesOf(pid)).toEqual([]);
    },
  );

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
    await untilCreated(program.pid);
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
