import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { KeptRights } from '../../../../src/source/types.ts';
import { bundled } from '../../../helpers/bundle.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();

/** Outcomes of attempts, by name: `done`, or the code of the error. */
interface Outcomes {
  readonly confined: true | string;
  readonly inside: Readonly<Record<string, string>>;
  readonly outside: Readonly<Record<string, string>>;
  /** Effective capabilities of the confined thread and of the main thread. */
  readonly capabilities: readonly [string, string];
}

/** Runs PROGRAM, which confines a thread and tries in it, and afterwards in the main thread, what is forbidden. */
async function attempts(kept: KeptRights | undefined): Promise<Outcomes & { readonly folder: string }> {
  const folder = newFolder();
  const program = spawn(
    process.execPath,
    ['--eval', bundled(PROGRAM, import.meta.dirname), '--', folder, JSON.stringify(kept ?? null)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  program.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  expect(await once(program, 'close')).toEqual([0, null]);
  return { ...(JSON.parse(output) as Outcomes), folder };
}

const isHere = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');

describe.skipIf(!isHere)('a confined thread (skipped elsewhere: it needs Linux on x64 or arm64)', () => {
  test('cannot change files, run programs, connect or send signals; other threads can', async () => {
    const { confined, inside, outside, capabilities, folder } = await attempts({
      changesFiles: false,
      captures: false,
    });
    expect(confined).toBe(true);
    expect(inside).toEqual({
      write: 'EPERM',
      append: 'EPERM',
      truncate: 'EPERM',
      makeFolder: 'EPERM',
      remove: 'EPERM',
      rename: 'EPERM',
      link: 'EPERM',
      mode: 'EPERM',
      run: 'EPERM',
      connect: 'EPERM',
      signal: 'EPERM',
      read: 'done',
      list: 'done',
      netlink: 'done',
      packet: 'EPERM',
    });
    const { connect, packet, ...others } = outside;
    expect(packet).toBe(process.geteuid?.() === 0 ? 'done' : 'EPERM');
    // No program listens on this port.
    expect(connect).toBe('ECONNREFUSED');
    expect(new Set(Object.values(others))).toEqual(new Set(['done']));
    expect(existsSync(join(folder, 'written-inside'))).toBe(false);
    expect(statSync(join(folder, 'written-outside')).size).toBeGreaterThan(0);
    // DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, SYS_ADMIN, PERFMON, BPF.
    expect(BigInt(`0x${capabilities[0]}`) & ~0xc000281004n).toBe(0n);
    if (process.geteuid?.() === 0) expect(capabilities[0]).not.toBe(capabilities[1]);
  });

  test('may change files while the trace needs it, and still runs no program', async () => {
    const { inside, folder } = await attempts({ changesFiles: true, captures: false });
    expect(inside).toMatchObject({ write: 'done', makeFolder: 'done', run: 'EPERM', connect: 'EPERM' });
    expect(existsSync(join(folder, 'written-inside'))).toBe(true);
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'may open capture sockets if it needs them (skipped: it needs root)',
    async () => {
      const { inside } = await attempts({ changesFiles: false, captures: true });
      expect(inside).toMatchObject({ packet: 'done', netlink: 'done', write: 'EPERM', connect: 'EPERM' });
    },
  );

  test('that only parses can open nothing and has no capabilities', async () => {
    const { confined, inside, capabilities } = await attempts(undefined);
    expect(confined).toBe(true);
    expect(new Set(Object.values(inside))).toEqual(new Set(['EPERM']));
    expect(BigInt(`0x${capabilities[0]}`)).toBe(0n);
  });
});

/** The program of the test. A port below 1024 on loopback, on which nothing listens, is connected to. */
const PROGRAM = `
  import { execFileSync } from 'node:child_process';
  import fs from 'node:fs';
  import koffi from 'koffi';
  import { connect } from 'node:net';
  import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
  import { confineLinuxThread } from '../../../../src/source/linux/confine/confine.ts';

  const attempt = (act) => {
    try {
      act();
      return 'done';
    } catch (error) {
      return error.code;
    }
  };
  const connecting = () => new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: 1 });
    socket.on('connect', () => resolve('done')).on('error', (error) => resolve(error.code));
  });
  const tryAll = async (folder, where) => {
    const path = (name) => folder + '/' + name + '-' + where;
    return {
      write: attempt(() => fs.writeFileSync(path('written'), 'x')),
      append: attempt(() => fs.appendFileSync(folder + '/file', 'x')),
      truncate: attempt(() => fs.truncateSync(folder + '/file')),
      makeFolder: attempt(() => fs.mkdirSync(path('made'))),
      remove: attempt(() => fs.unlinkSync(folder + '/remove-' + where)),
      rename: attempt(() => fs.renameSync(folder + '/rename-' + where, path('renamed'))),
      link: attempt(() => fs.symlinkSync('x', path('link'))),
      mode: attempt(() => fs.chmodSync(folder + '/file', 0o600)),
      run: attempt(() => execFileSync('/bin/true')),
      connect: await connecting(),
      signal: attempt(() => process.kill(process.ppid, 0)),
      read: attempt(() => fs.readFileSync(folder + '/file')),
      list: attempt(() => fs.readdirSync('/proc/self/fd')),
      netlink: opened(16),
      packet: opened(17),
    };
  };
  // Opened before the thread is confined.
  const status = fs.openSync('/proc/thread-self/status');
  const effective = () => {
    const text = Buffer.alloc(8192);
    return /CapEff:\\s+(\\w+)/.exec(text.toString('utf8', 0, fs.readSync(status, text, 0, text.length, 0)))[1];
  };
  const socket = koffi.load(null).func('int socket(int, int, int)');
  const opened = (family) => (socket(family, 2, 0) >= 0 ? 'done' : koffi.errno() === 1 ? 'EPERM' : 'failed');

  if (isMainThread) {
    const [folder, kept] = process.argv.slice(-2);
    for (const name of ['file', 'remove-inside', 'remove-outside', 'rename-inside', 'rename-outside'])
      fs.writeFileSync(folder + '/' + name, 'x');
    const code = process.execArgv[process.execArgv.indexOf('--eval') + 1];
    const worker = new Worker(code, { eval: true, execArgv: [], workerData: { folder, kept } });
    worker.once('message', async ({ confined, inside, capabilities }) => {
      const outside = await tryAll(folder, 'outside');
      process.stdout.write(JSON.stringify({ confined, inside, outside, capabilities: [capabilities, effective()] }));
    });
  } else void (async () => {
    const { folder, kept } = workerData;
    const confined = await confineLinuxThread(JSON.parse(kept) ?? undefined);
    parentPort.postMessage({ confined, inside: await tryAll(folder, 'inside'), capabilities: effective() });
  })();
`;
