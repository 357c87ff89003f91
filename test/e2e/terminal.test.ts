// netpane restores the terminal, however it ends or stops. As root, it also removes its trace instance.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/herd.ts';
import { Terminal } from '../helpers/terminal.ts';
import {
  cleanUp,
  faults,
  isLinux,
  program,
  rowOf,
  newHerd,
  newHome,
  startNetpane,
  uniqueName,
} from './netpane.ts';
import { noTrace } from './short-lives.ts';
import { childOf, node, onScreen, processState, run, type Run, size } from './terminal-run.ts';
import { traceInstances, untilCreated } from './trace-instances.ts';

describe.skipIf(!isLinux)('the terminal (skipped elsewhere: it needs /proc)', () => {
  let instancesOf: (pid: number) => string[] = () => [];
  beforeAll(async () => {
    if (noTrace === undefined) instancesOf = await traceInstances();
  });

  /** Runs a netpane without the ledger, which has created its trace instance if it can. */
  async function runTraced({ fault = '', ...options }: Parameters<typeof run>[0] = {}): Promise<Run> {
    const it = await run({ fault: `no-ledger,${fault}`, ...options });
    if (noTrace === undefined) await untilCreated(it.pid, instancesOf);
    return it;
  }

  test.each([
    // The first two close the panes.
    ['q', 0, ({ t }: Run) => t.write('qqq')],
    ['ctrl-c', 0, ({ t }: Run) => t.press('ctrl-c')],
    ['SIGHUP', 129, ({ pid }: Run) => process.kill(pid, 'SIGHUP')],
    ['SIGINT', 130, ({ pid }: Run) => process.kill(pid, 'SIGINT')],
    ['SIGTERM', 143, ({ pid }: Run) => process.kill(pid, 'SIGTERM')],
  ])('is restored after %s, with exit code %i', async (_, code, act) => {
    const it = await runTraced();
    expect(it.now()).not.toEqual(it.before);
    expect(it.t.modes()).toMatchObject({ alternateScreen: true, cursorHidden: true, mouseEncoding: 'SGR' });
    expect(it.t.ttyModes()).toMatchObject({ icanon: false, echo: false });
    it.t.write('eM');
    await it.t.until('the panes', (t) => t.text().includes('EVENTS') && /opened \d/.test(t.text()));
    act(it);
    expect(await it.end()).toEqual({ code, said: '' });
    expect(it.now()).toEqual(it.before);
    expect(instancesOf(it.pid)).toEqual([]);
  });

  test.each([
    ['worker-throws', 'the worker failed on purpose'],
    ['worker-exits', 'the sampling thread ended with code 9'],
    ['render-throws', 'a widget failed on purpose'],
    ['timer-throws', 'a timer failed on purpose'],
    ['promise-rejects', 'a promise failed on purpose'],
  ])('is restored after a crash (%s), with the error on the normal screen', async (fault, message) => {
    const faultFile = join(newHome(), 'fault');
    const it = await runTraced({ fault, faultFile, args: '--interval 100ms' });
    writeFileSync(faultFile, '');
    const { code, said } = await it.end();
    expect(code).toBe(1);
    const lines = said.split('\n').map((line) => line.trimEnd());
    expect(lines[0]).toMatch(/^netpane: /);
    expect(said).toContain(message);
    // Each line begins at the left edge: the line is no longer raw.
    expect(lines.every((line) => /^(?:\S| {4}at )/.test(line) || line === '' || lines.length < 2)).toBe(true);
    expect(it.now()).toEqual(it.before);
    expect(instancesOf(it.pid)).toEqual([]);
  });

  /** Runs netpane, starts the fault and waits until it has begun. */
  async function runInto(fault: string): Promise<Run> {
    const faultFile = join(newHome(), 'fault');
    const it = await run({ fault, faultFile, args: '--interval 100ms' });
    writeFileSync(faultFile, '');
    await it.t.until(`the fault ${fault}`, () => readFileSync(`${faultFile}.begun`, 'utf8') === 'begun');
    return it;
  }

  // The cases run at once, because each waits until the thread counts as stuck.
  test('is restored after a signal or key although a thread does not answer', async () => {
    const signal = (name: NodeJS.Signals) => (it: Run) => process.kill(it.pid, name);
    const cases: [fault: string, how: string, code: number, act: (it: Run) => unknown][] = [
      ['command-busy', 'SIGTERM', 143, signal('SIGTERM')],
      ['worker-busy', 'q', 0, ({ t }) => t.write('q')],
      [
        'worker-stuck',
        'q',
        0,
        async ({ t }) => {
          const notice = /last update \ds ago: the sampler is busy \(between two polls\)/;
          await t.until('the notice that batches stop', () => notice.test(t.text()));
          t.write('q');
        },
      ],
      ['worker-stuck', 'SIGTERM', 143, signal('SIGTERM')],
    ];
    const ended = cases.map(async ([fault, how, code, act]) => {
      const it = await runInto(fault);
      await act(it);
      expect({ fault, how, code: (await it.end()).code }).toEqual({ fault, how, code });
      expect(it.now()).toEqual(it.before);
    });
    const interrupted = async () => {
      const { t, before } = await runInto('command-busy');
      t.press('ctrl-c');
      // The script ends with it: if a command dies by SIGINT, bash ends too.
      expect(await t.exited).toEqual({ exitCode: 130, signal: 0 });
      expect(t.modes()).toEqual(before.modes);
    };
    await Promise.all([...ended, interrupted()]);
  });

  test('shows one line if the screen cannot be opened, and no thread keeps running', async () => {
    const nodeArgs = ['--require', faults];
    const t = startNetpane({ nodeArgs, env: { NETPANE_FAULT: 'screen-refused' } });
    expect(await t.exited).toEqual({ exitCode: 1, signal: 0 });
    expect(t.text().trim()).toBe('netpane: the terminal failed on purpose');
  });

  test('is restored after a source has failed, which the screen has shown', async () => {
    const cases = [
      ['table-unreadable', '--source proc --interval 100ms'],
      ['netlink-dies', '--source sock_diag --interval 100ms'],
    ] as const;
    const ended = cases.map(async ([fault, args]) => {
      const faultFile = join(newHome(), 'fault');
      const it = await run({ fault, faultFile, args });
      writeFileSync(faultFile, '');
      await it.t.until(`the notice of ${fault}`, (t) =>
        /failed on purpose|not read|partly stale/i.test(t.text()),
      );
      it.t.write('q');
      expect({ fault, code: (await it.end()).code }).toEqual({ fault, code: 0 });
      expect(it.now()).toEqual(it.before);
    });
    await Promise.all(ended);
  });

  test('is restored by ctrl-z, and taken again by `fg`, several times', async () => {
    const t = await Terminal.shell(size);
    cleanUp(() => t.close());
    const before = t.modes();
    await t.run(`${node} ${program} --process no-such-program --interval 100ms`);
    await onScreen(t);
    const during = t.modes();
    // The second time with an open prompt, whose text stays.
    for (const [key, shown] of [
      ['', '/ process:no-such-program'],
      ['/half', '/ process:no-such-program half'],
    ] as const) {
      t.write(key);
      await t.until('what was typed', () => t.rows()[2]?.startsWith(shown));
      t.press('ctrl-z');
      await t.until('the prompt', () => t.atPrompt() && t.text().includes('Stopped'));
      expect(t.modes()).toEqual(before);
      await t.run('fg');
      await t.until('the screen', () => t.modes().alternateScreen && t.rows()[2]?.startsWith(shown));
      expect(t.modes()).toEqual(during);
    }
    t.press('escape');
    await t.until('the prompt of netpane to be left', () => !t.rows()[2]?.includes('half'));
    for (let i = 0; i < 5; i++) {
      t.press('ctrl-z');
      await t.until('the prompt', () => t.atPrompt());
      await t.run('fg');
      await onScreen(t);
    }
    t.write('q');
    await t.until('the prompt', () => t.atPrompt());
    expect(t.modes()).toEqual(before);
    // No batch was painted on the screen of the shell.
    expect(t.text()).not.toMatch(/PROCESS|sockets/);
  });

  test('is not taken by `bg`', async () => {
    const t = await Terminal.shell(size);
    cleanUp(() => t.close());
    const before = t.modes();
    await t.run(`${node} ${program} --process no-such-program`);
    await onScreen(t);
    t.press('ctrl-z');
    await t.until('the prompt', () => t.atPrompt());
    const from = t.bytesWritten;
    await t.run('bg');
    // It wants the terminal, which the shell has, so the kernel stops it again.
    await t.until('the notice', () => {
      // The shell reports its jobs before each prompt.
      t.press('enter');
      return t.rows().filter((row) => row.includes('Stopped')).length > 1;
    });
    expect(t.modes()).toEqual(before);
    expect(t.received(from).toString()).not.toContain('\x1b');
    await t.run('fg');
    await onScreen(t);
    expect(t.ttyModes()).toMatchObject({ icanon: false, echo: false });
    t.write('q');
    await t.until('the prompt', () => t.atPrompt());
    expect(t.modes()).toEqual(before);
  });

  test('is restored by ctrl-z under `npm start`, and taken again by `fg`', async () => {
    const t = await Terminal.shell({ ...size, cwd: program.replace(/\/dist\/.*/, '') });
    cleanUp(() => t.close());
    const before = t.modes();
    await t.run('npm start --silent');
    await onScreen(t, { timeoutMs: 60_000 });
    t.press('ctrl-z');
    await t.until('the prompt', () => t.atPrompt() && t.text().includes('Stopped'));
    expect(t.modes()).toEqual(before);
    await t.run('fg');
    await onScreen(t);
    t.write('q');
    await t.until('the prompt', () => t.atPrompt());
    expect(t.modes()).toEqual(before);
  });

  test('is restored by SIGTSTP from outside', async () => {
    const it = await run();
    process.kill(it.pid, 'SIGTSTP');
    // The script continues when its job has stopped: 148 is 128 + SIGTSTP.
    expect(await it.end()).toEqual({ code: 148, said: expect.any(String) as string });
    expect(it.now()).toEqual(it.before);
    expect(processState(it.pid)?.state).toBe('T');
  });

  test('is taken and painted again after SIGSTOP and SIGCONT from outside', async () => {
    const t = await Terminal.shell(size);
    cleanUp(() => t.close());
    const before = t.modes();
    await t.run(`${node} ${program} --process no-such-program`);
    await onScreen(t);
    const picture = t.text();
    const pid = await childOf(t.pid);
    process.kill(pid, 'SIGSTOP');
    await t.until('the notice of the shell', () => t.text().includes('Stopped'));
    await t.run('fg');
    const isPainted = () => t.rows().slice(3).join() === picture.split('\n').slice(3).join();
    await t.until('the picture', () => isPainted() && !t.text().includes('Stopped'));
    expect(t.ttyModes()).toMatchObject({ icanon: false, echo: false });
    t.write('?');
    await t.until('the help', () => t.text().includes('HELP'));
    t.press('ctrl-c');
    await t.until('the prompt', () => t.atPrompt());
    expect(t.modes()).toEqual(before);
  });

  test('is taken again after ctrl-z if no shell could continue netpane', async () => {
    // netpane leads the session of its terminal: its process group is orphaned (POSIX) and never stops.
    const t = startNetpane({ args: ['--process', 'no-such-program'] });
    await onScreen(t);
    t.press('ctrl-z');
    await t.until('the normal screen', () => !t.modes().alternateScreen);
    await t.until('the alternate screen', () => t.modes().alternateScreen && t.text().includes('PROCESS'));
    t.write('/abc');
    await t.until('the keys', () => t.rows()[2]?.startsWith('/ process:no-such-program abc'));
    t.press('escape');
    await t.until('the prompt to be left', () => !t.rows()[2]?.includes('abc'));
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });

  test('ends netpane when it closes, even without SIGHUP', async () => {
    // In a new session netpane gets no SIGHUP: only reading and writing fail.
    const script = `exec 3<&0; setsid ${node} ${program} --interval 100ms <&3 & wait`;
    // It saves its state when it ends, later than the terminal: the folder is removed last.
    const home = newHome();
    const t = Terminal.start({ ...size, home, command: 'bash', args: ['--norc', '-c', script] });
    cleanUp(() => t.close());
    await onScreen(t);
    const pid = await childOf(t.pid);
    cleanUp(() => processState(pid) && process.kill(pid, 'SIGKILL'));
    await t.close();
    await eventually(
      () => `${pid} to end, which is ${JSON.stringify(processState(pid))}`,
      () => !processState(pid),
    );
  });

  test('gets only the current picture after it has read nothing for a while', async () => {
    const herd = newHerd();
    const name = uniqueName();
    const server = await herd.spawn({ title: name });
    const first = await server.listen();
    const t = startNetpane({ args: ['--process', name, '--interval', '100ms', '--linger', '100ms'] });
    await t.until('the first', () => rowOf(t, first));
    t.pause();
    // More output than the buffer of the terminal line holds.
    for (let i = 0; i < 40; i++) t.write('\x0c');
    for (let i = 0; i < 20; i++) await server.close([await server.listen()]);
    const last = await server.listen();
    const before = t.bytesWritten;
    t.resume();
    await t.until('the last', () => rowOf(t, last) && !/^[+-]/m.test(t.text()));
    // At most the forty requested pictures, of a few thousand bytes each, and none for each of a hundred polls.
    expect(t.bytesWritten - before).toBeLessThan(400_000);
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });
});
