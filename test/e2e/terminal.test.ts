// However netpane ends, or stops, the terminal is as it was before it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/herd.ts';
import type { Modes } from '../helpers/terminal.ts';
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

const size = { cols: 100, rows: 24 };
const node = process.execPath;

/** State letter and parent of a process, by proc_pid_stat(5); undefined when it is gone, or only waits for its parent. */
function processState(pid: number | string): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) ? undefined : { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** The only child of a process. */
const childOf = (parent: number): Promise<number> =>
  eventually(
    () => `a child of ${parent}`,
    () => {
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      return Number(pids.find((pid) => processState(pid)?.parent === parent)) || undefined;
    },
  );

/** Waits for the screen with the first reading on it. */
const onScreen = (t: Terminal, patience?: { timeoutMs: number }) => {
  const isRead = (text: string) => / of [\d,]+$/m.test(text) && !text.includes('reading the sockets');
  return t.until('the screen', () => t.modes().alternateScreen && isRead(t.text()), patience);
};

interface Run {
  t: Terminal;
  pid: number;
  /** Waits for the end, and gives the exit code, and the text on the screen since netpane was started. */
  end: () => Promise<{ code: number; said: string }>;
  /** What netpane found, and has to leave. */
  before: { modes: Modes; tty: Record<string, boolean> };
  now: () => Run['before'];
}

/** Runs netpane from a script, which neither repairs the terminal itself nor ends with netpane. */
async function run({ fault = '', args = '', ticks = '' } = {}): Promise<Run> {
  const command = `${fault ? `NETPANE_FAULT=${fault} NETPANE_TICKS=${ticks} ` : ''}${node} ${fault ? `--import ${faults} ` : ''}${program} ${args}`;
  // With `set -m` netpane is a job of its own, as under a shell that somebody types at.
  const script = `set -m; echo before; read -r; ${command}; echo "after=$?"; cat; :`;
  const t = Terminal.start({ ...size, command: 'bash', args: ['--norc', '-c', script] });
  cleanUp(() => t.close());
  await t.until('the script', () => t.text().includes('before'));
  const now = () => ({ modes: t.modes(), tty: t.ttyModes() });
  const before = now();
  t.press('enter');
  await onScreen(t);
  const end = async () => {
    const code = await t.until('the end', () => /^after=(\d+)$/m.exec(t.text())?.[1]);
    return {
      code: Number(code),
      said: t
        .text()
        .replace(/^after=[\s\S]*/m, '')
        .replace(/^before\n*/, '')
        .trim(),
    };
  };
  return { t, pid: await childOf(t.pid), end, before, now };
}

describe.skipIf(!isLinux)('the terminal (skipped elsewhere: it needs /proc)', () => {
  test.each([
    ['q', 0, ({ t }: Run) => t.write('q')],
    ['ctrl-c', 0, ({ t }: Run) => t.press('ctrl-c')],
    ['SIGHUP', 129, ({ pid }: Run) => process.kill(pid, 'SIGHUP')],
    ['SIGINT', 130, ({ pid }: Run) => process.kill(pid, 'SIGINT')],
    ['SIGTERM', 143, ({ pid }: Run) => process.kill(pid, 'SIGTERM')],
  ])('%s ends with %i, and leaves the terminal as it was', async (_, code, act) => {
    const it = await run();
    expect(it.now()).not.toEqual(it.before);
    expect(it.t.modes()).toMatchObject({ alternateScreen: true, cursorHidden: true, mouseEncoding: 'SGR' });
    expect(it.t.ttyModes()).toMatchObject({ icanon: false, echo: false });
    it.t.write('eg');
    await it.t.until('the panes', (t) => t.text().includes('EVENTS') && /opened \d/.test(t.text()));
    act(it);
    expect(await it.end()).toEqual({ code, said: '' });
    expect(it.now()).toEqual(it.before);
  });

  test.each([
    ['worker-throws', 'the worker failed on purpose'],
    ['worker-exits', 'the sampling thread ended with code 9'],
    ['render-throws', 'a widget failed on purpose'],
    ['timer-throws', 'a timer failed on purpose'],
    ['promise-rejects', 'a promise failed on purpose'],
  ])('a crash (%s) is told on the normal screen', async (fault, message) => {
    const file = join(newHome(), 'ticks');
    const it = await run({ fault, ticks: file, args: '--interval 100ms' });
    writeFileSync(file, '');
    const { code, said } = await it.end();
    expect(code).toBe(1);
    const lines = said.split('\n').map((line) => line.trimEnd());
    expect(lines[0]).toMatch(/^netpane: /);
    expect(said).toContain(message);
    // Each line begins at the left edge, which takes the line discipline of before.
    expect(lines.every((line) => /^(?:\S| {4}at )/.test(line) || line === '' || lines.length < 2)).toBe(true);
    expect(it.now()).toEqual(it.before);
  });

  /** Runs netpane until this fault has begun, which the test brings about. */
  async function runInto(fault: string): Promise<Run> {
    const file = join(newHome(), 'ticks');
    const it = await run({ fault, ticks: file, args: '--interval 100ms' });
    writeFileSync(file, '');
    await it.t.until(`the fault ${fault}`, () => readFileSync(file, 'utf8') === 'begun');
    return it;
  }

  // All at once: each waits for the time after which a thread counts as stuck.
  test('a thread that never answers holds up no signal and no key', async () => {
    const signal = (name: NodeJS.Signals) => (it: Run) => process.kill(it.pid, name);
    const cases: [fault: string, how: string, code: number, act: (it: Run) => unknown][] = [
      ['command-busy', 'SIGTERM', 143, signal('SIGTERM')],
      ['worker-busy', 'q', 0, ({ t }) => t.write('q')],
      [
        'worker-stuck',
        'q',
        0,
        async ({ t }) => {
          const told = /last update \ds ago: the sampler is busy \(between two polls\)/;
          await t.until('the silence', () => told.test(t.text()));
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
      // The script ends with it: bash takes the death of a command by SIGINT as meant for itself, too.
      expect(await t.exited).toEqual({ exitCode: 130, signal: 0 });
      expect(t.modes()).toEqual(before.modes);
    };
    await Promise.all([...ended, interrupted()]);
  });

  test('a screen that cannot be opened ends with 1 and one line, and leaves no thread running', async () => {
    const nodeArgs = ['--import', faults];
    const t = startNetpane({ nodeArgs, env: { NETPANE_FAULT: 'screen-refused' } });
    expect(await t.exited).toEqual({ exitCode: 1, signal: 0 });
    expect(t.text().trim()).toBe('netpane: the terminal failed on purpose');
  });

  test('tables that cannot be read any more leave the screen as it is, and say so', async () => {
    for (const [fault, args] of [
      ['table-unreadable', '--source proc --interval 100ms'],
      ['netlink-dies', '--source sock_diag --interval 100ms'],
    ] as const) {
      const it = await run({ fault, args });
      await it.t.until('the notice', (t) => /failed on purpose|not read|partly stale/i.test(t.text()));
      it.t.write('q');
      expect((await it.end()).code).toBe(0);
      expect(it.now()).toEqual(it.before);
    }
  });

  test('ctrl-z stops it and gives the terminal back; `fg` takes it again; and once more', async () => {
    const t = await Terminal.shell(size);
    cleanUp(() => t.close());
    const before = t.modes();
    await t.run(`${node} ${program} --process no-such-program --interval 100ms`);
    await onScreen(t);
    const during = t.modes();
    // The second time with a prompt open, whose text stays.
    for (const [key, held] of [
      ['', '/ process:no-such-program'],
      ['/half', '/ process:no-such-program half'],
    ] as const) {
      t.write(key);
      await t.until('what was typed', () => t.rows()[2]?.startsWith(held));
      t.press('ctrl-z');
      await t.until('the prompt', () => t.atPrompt() && t.text().includes('Stopped'));
      expect(t.modes()).toEqual(before);
      await t.run('fg');
      await t.until('the screen', () => t.modes().alternateScreen && t.rows()[2]?.startsWith(held));
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
    // Nothing was painted on the screen of the shell, at whatever moment a batch came.
    expect(t.text()).not.toMatch(/PROCESS|sockets/);
  });

  test('`bg` does not bring it back to the screen of the shell', async () => {
    const t = await Terminal.shell(size);
    cleanUp(() => t.close());
    const before = t.modes();
    await t.run(`${node} ${program} --process no-such-program`);
    await onScreen(t);
    t.press('ctrl-z');
    await t.until('the prompt', () => t.atPrompt());
    const from = t.bytesWritten;
    await t.run('bg');
    // It wants the terminal, which the shell has, and so is stopped once more.
    await t.until('the notice', () => {
      // The shell tells of its jobs before each prompt.
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

  test('ctrl-z stops `npm start` as a whole, and `fg` continues it', async () => {
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

  test('SIGTSTP from outside is as ctrl-z; the line is that of before while it is stopped', async () => {
    const it = await run();
    process.kill(it.pid, 'SIGTSTP');
    // The script goes on when its job has stopped: 148 is 128 + SIGTSTP.
    expect(await it.end()).toEqual({ code: 148, said: expect.any(String) as string });
    expect(it.now()).toEqual(it.before);
    expect(processState(it.pid)?.state).toBe('T');
  });

  test('SIGSTOP and SIGCONT from outside: it takes the terminal again and paints it', async () => {
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
    await t.until('the help', () => t.text().includes('filter by port'));
    t.write('q');
    await t.until('the prompt', () => t.atPrompt());
    expect(t.modes()).toEqual(before);
  });

  test('ctrl-z where nobody could continue it does not hang', async () => {
    // The program of a terminal is the leader of its session: its group is orphaned (POSIX), and never stops.
    const t = startNetpane({ args: ['--process', 'no-such-program'] });
    await onScreen(t);
    t.press('ctrl-z');
    await t.until('the way out', () => !t.modes().alternateScreen);
    await t.until('the way back', () => t.modes().alternateScreen && t.text().includes('PROCESS'));
    t.write('/abc');
    await t.until('the keys', () => t.rows()[2]?.startsWith('/ process:no-such-program abc'));
    t.press('escape');
    await t.until('the prompt to be left', () => !t.rows()[2]?.includes('abc'));
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });

  test('a terminal that is gone ends it, though no signal tells', async () => {
    // In a session of its own netpane gets no SIGHUP: reading and writing fail, and that is all.
    const script = `exec 3<&0; setsid ${node} ${program} --interval 100ms <&3 & wait`;
    const t = Terminal.start({ ...size, command: 'bash', args: ['--norc', '-c', script] });
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

  test('a terminal that reads nothing for a while gets the picture of now, and not of then', async () => {
    const herd = newHerd();
    const name = uniqueName();
    const server = await herd.spawn({ title: name });
    const first = await server.listen();
    const t = startNetpane({ args: ['--process', name, '--interval', '100ms', '--linger', '100ms'] });
    await t.until('the first', () => rowOf(t, first));
    t.pause();
    // More than the line holds.
    for (let i = 0; i < 40; i++) t.write('\x0c');
    for (let i = 0; i < 20; i++) await server.close([await server.listen()]);
    const last = await server.listen();
    const before = t.bytesWritten;
    t.resume();
    await t.until('the last', () => rowOf(t, last) && !/^[+-]/m.test(t.text()));
    // Forty paintings, a few thousand bytes each, and not one for each of a hundred ticks besides.
    expect(t.bytesWritten - before).toBeLessThan(400_000);
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });
});
