// netpane on a real node.exe, on the sockets of a Win32 program. `npm run test:windows` prepares and starts this.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Listed } from '../helpers/listed.ts';
import { Terminal } from '../helpers/terminal.ts';

const variable = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: use npm run test:windows`);
  return value;
};
const NODE = variable('NETPANE_WINE_NODE');
const APP = variable('NETPANE_WINE_APP');
const SOCKETS = variable('NETPANE_WINE_SOCKETS');

const WAIT = { timeout: 120_000, interval: 200 };

interface Ports {
  readonly listener: number;
  readonly connecting: number;
  readonly udp: number;
}

/** The Win32 program with eight sockets (sockets.c). */
interface Program {
  readonly pid: number;
  readonly ipv4: Ports;
  readonly ipv6: Ports;
  /** Resolves when all its sockets are closed; the program still runs. */
  readonly closeSockets: () => Promise<void>;
  /** Asks it to end, and resolves when it has. */
  readonly end: () => Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
}

async function startProgram(): Promise<Program> {
  const child = spawn('wine', [SOCKETS], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  const opened = JSON.parse(await line()) as Pick<Program, 'pid' | 'ipv4' | 'ipv6'>;
  const hasEnded = ended(child);
  return {
    ...opened,
    ended: hasEnded,
    closeSockets: async () => {
      child.stdin.write('\n');
      expect(await line()).toBe('closed');
    },
    end: async () => {
      child.stdin.end('\n');
      await hasEnded;
    },
  };
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode === null
    ? new Promise((resolve) => child.on('exit', resolve))
    : Promise.resolve(child.exitCode);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netpane-wine-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts netpane with its output in files: Node under Wine cannot write to a pipe. */
const start = (...args: string[]) => startScript(join('dist', 'netpane.js'), ...args);

function startScript(script: string, ...args: string[]) {
  const [out, err] = ['out', 'err'].map((name) => join(folder, name)) as [string, string];
  const [stdout, stderr] = [openSync(out, 'w'), openSync(err, 'w')];
  const child = spawn('wine', [NODE, script, ...args], {
    cwd: APP,
    stdio: ['ignore', stdout, stderr],
  });
  for (const fd of [stdout, stderr]) closeSync(fd);
  return { child, stdout: () => readFileSync(out, 'utf8'), stderr: () => readFileSync(err, 'utf8') };
}

/** Runs netpane to its end. */
const run = (...args: string[]) => finished(start(...args));

async function finished({ child, stdout, stderr }: ReturnType<typeof startScript>) {
  const code = await ended(child);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Returns the eight sockets as text: protocol, endpoints, state. */
const socketsOf = ({ ipv4, ipv6 }: Program): string[] =>
  [
    { suffix: '', host: '127.0.0.1', ports: ipv4 },
    { suffix: '6', host: '::1', ports: ipv6 },
  ].flatMap(({ suffix, host, ports: { listener, connecting, udp } }) => [
    `tcp${suffix} ${host}:${listener} * LISTEN`,
    `tcp${suffix} ${host}:${listener} ${host}:${connecting} ESTABLISHED`,
    `tcp${suffix} ${host}:${connecting} ${host}:${listener} ESTABLISHED`,
    `udp${suffix} ${host}:${udp} * -`,
  ]);

type ListedSocket = Pick<Listed, 'protocol' | 'family' | 'local' | 'remote' | 'state'>;

const textOf = ({ protocol, family, local, remote, state }: ListedSocket): string => {
  const suffix = family === 'ipv6' ? '6' : '';
  const peer = remote ? `${remote.address}:${remote.port}` : '*';
  return `${protocol}${suffix} ${local.address}:${local.port} ${peer} ${state ?? '-'}`;
};

describe('with a program that has eight sockets', () => {
  let program: Program;
  beforeAll(async () => {
    program = await startProgram();
  });
  afterAll(() => program.end());

  test('ls --json lists exactly these, and the connecting one with pid, path and user', async () => {
    const { code, stdout, stderr } = await run('ls', '--json');
    expect(stderr).not.toContain('systeminformation');
    expect(code).toBe(0);
    const listed = JSON.parse(stdout) as Listed[];
    expect(listed.map(textOf).toSorted()).toEqual(socketsOf(program).toSorted());
    const connecting = listed.find(
      ({ local, family }) => family === 'ipv4' && local.port === program.ipv4.connecting,
    );
    expect(connecting?.owners).toEqual([
      expect.objectContaining({
        // Wine does not know when a socket was made.
        knowledge: 'inherited',
        pid: program.pid,
        process: 'sockets.exe',
        exe: expect.stringMatching(/^Z:\\.*\\sockets\.exe$/) as string,
        user: process.env['USER'] ?? 'root',
      }),
    ]);
  });

  test('ls prints a line for each', async () => {
    const { code, stdout } = await run('ls');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1 + 8);
    expect(stdout).toMatch(/^\(sockets\.exe\)\t/m);
  });

  test('doctor names the source, koffi and the files of Windows', async () => {
    const { code, stdout } = await run('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +source +iphlpapi, the best one: 8 sockets$/m);
    expect(stdout).toMatch(/^ok +koffi +loaded$/m);
    expect(stdout).toMatch(/configuration +C:\\.*\\AppData\\Roaming\\netpane\\config\.toml/);
    expect(stdout).toMatch(/saved state +C:\\.*\\AppData\\Local\\netpane\\state\.json/);
  });

  test('the screen starts, shows them, filters, and q ends it and restores the terminal', async () => {
    const terminal = Terminal.start({
      command: 'wine',
      args: [NODE, 'dist\\netpane.js'],
      cols: 120,
      rows: 30,
      cwd: APP,
      env: Object.fromEntries(
        ['WINEPREFIX', 'WINEARCH', 'WINEDEBUG', 'USER'].map((name) => [name, process.env[name]]),
      ),
    });
    try {
      const text = () => terminal.received().toString('latin1');
      await vi.waitFor(() => expect(text()).toContain('iphlpapi'), WAIT);
      await vi.waitFor(() => expect(text()).toContain(String(program.ipv4.connecting)), WAIT);
      const shows = ({ udp }: Ports) => terminal.text().includes(String(udp));
      terminal.write(`/:${program.ipv4.udp}\r`);
      await vi.waitFor(() => {
        expect(shows(program.ipv4)).toBe(true);
        expect(shows(program.ipv6)).toBe(false);
      }, WAIT);
      terminal.write('q');
      expect((await terminal.exited).exitCode).toBe(0);
      expect(terminal.modes()).toMatchObject({ alternateScreen: false, mouse: 'none' });
    } finally {
      await terminal.close();
    }
  });
});

describe('a program that holds a socket', () => {
  let program: Program;
  beforeAll(async () => {
    program = await startProgram();
  });

  test('is not ended by kill where the start of the socket is unknown: another program may have its pid', async () => {
    const { code, stderr } = await run('kill', '--yes', `port:${program.ipv4.connecting}`, 'process:sockets');
    expect(stderr).toContain('1 socket found, but no process that holds it (inherited)');
    expect(code).toBe(1);
  });

  test('is ended by its pid', async () => {
    const { code, stdout } = await finished(startScript(join('dist', 'dev', 'end.js'), String(program.pid)));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ name: 'sockets.exe', result: { reached: 1 } });
    await program.ended;
  });
});

describe('watch --json', () => {
  let watching: ReturnType<typeof start> | undefined;
  afterEach(async () => {
    watching?.child.kill();
    if (watching) await ended(watching.child);
  });

  test('reports that all eight sockets are closed', async () => {
    const program = await startProgram();
    watching = start('watch', '--json', '--interval', '200ms');
    const { stdout, stderr } = watching;
    // Its first notice comes after the first poll.
    await vi.waitFor(() => expect(stderr()).toContain('changes between two polls are not seen'), WAIT);
    await program.closeSockets();
    const withoutState = (text: string) => text.slice(0, text.lastIndexOf(' '));
    /** The sockets that are closed, or whose connection is in TIME_WAIT. */
    const closed = () =>
      stdout()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { type: string; socket: ListedSocket })
        // Wine has no event tracing. The end of the session is a gap, which has no socket.
        .filter(({ type }) => type !== 'gap')
        .filter(({ type, socket }) => type === 'close' || socket.state === 'TIME_WAIT')
        .map(({ socket }) => withoutState(textOf(socket)));
    const all = socketsOf(program).map(withoutState).toSorted();
    await vi.waitFor(() => expect([...new Set(closed())].toSorted()).toEqual(all), WAIT);
    await program.end();
  });
});
