import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Evidence } from '../../../../src/model/evidence.ts';
import type { ProcessTarget } from '../../../../src/model/process.ts';
import { digestPart } from '../../../../src/source/linux/evidence/file-part.ts';
import { Files } from '../../../../src/source/linux/evidence/files.ts';
import { readLinuxEvidence } from '../../../../src/source/linux/evidence/reader.ts';
import { parseStat } from '../../../../src/source/linux/proc/process.ts';
import { LABEL_WIDTH } from '../../../../src/view/panes/evidence.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) if (child.pid !== undefined) killGroup(child.pid);
});

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Starts a program of this test in a process group of its own. Resolves to the pid that it prints. */
async function start(command: string, args: readonly string[], options = {}): Promise<number> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true, ...options });
  started.push(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', () => reject(new Error(`${command} has ended`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(Number(text.trim())));
  });
}

/** Prints the pid of a shell, which then becomes `sleep`. */
const SLEEP = 'echo $$; exec sleep 60';

/** Checks that the screen has room for a blank after each label. */
function expectShortLabels({ lines }: Evidence): void {
  expect(lines.filter(({ label }) => label.length >= LABEL_WIDTH)).toEqual([]);
}

async function evidenceOf(pid: number, start: Omit<ProcessTarget, 'pid'> = {}): Promise<Evidence> {
  const all: Evidence[] = [];
  await readLinuxEvidence({ pid, ...start }, (it) => all.push(it));
  const last = all.at(-1);
  if (!last) throw new Error('no evidence');
  expect(all.map(({ isComplete }) => isComplete)).toEqual(all.map((it) => it === last));
  expectShortLabels(last);
  return last;
}

const texts = ({ verdict }: Evidence): string[] => verdict.map(({ text }) => text);
const unusualTexts = ({ verdict }: Evidence): string[] =>
  verdict.filter(({ isUnusual }) => isUnusual).map(({ text }) => text);
const lineOf = ({ lines }: Evidence, label: string) => lines.find((it) => it.label === label);

test('reading a large file stops when its digest is no longer wanted', async () => {
  const path = join(newFolder(), 'large');
  // Four pieces.
  writeFileSync(path, Buffer.alloc(4 * 2 ** 20));
  let asked = 0;
  const file = {
    label: 'program',
    path,
    files: new Files('/'),
    readAt: path,
    startedAtMs: undefined,
  } as const;
  const part = await digestPart(file, undefined, () => ++asked < 2);
  expect([part, asked]).toEqual([{ lines: [], findings: [] }, 2]);
});

/** Waits until a process runs the program file. */
const untilRuns = (pid: number, path: string): Promise<void> =>
  expect.poll(() => readlinkSync(`/proc/${pid}/exe`)).toContain(path);

const hasDpkg = existsSync('/var/lib/dpkg/info');
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((it) => existsSync(it));

describe.skipIf(process.platform !== 'linux')(
  'the evidence about a process (skipped elsewhere: /proc)',
  () => {
    test.skipIf(!hasDpkg)(
      'names the package of a program and says that the file is as in it (skipped without dpkg)',
      async () => {
        const pid = await start('/bin/sh', ['-c', SLEEP]);
        await untilRuns(pid, '/usr/bin/sleep');
        const evidence = await evidenceOf(pid);
        expect(lineOf(evidence, 'package')).toMatchObject({ from: 'dpkg' });
        expect(lineOf(evidence, 'package')?.text).toMatch(/^coreutils \d/);
        expect(texts(evidence)).toContain('program is as in its package');
        expect(unusualTexts(evidence)).toEqual([]);
        expect(lineOf(evidence, 'sha256')?.text).toMatch(/^[0-9a-f]{64}$/);
      },
    );

    test('finds a deleted program in /tmp unusual, and still has its digest', async () => {
      const path = join(newFolder(), 'tool');
      copyFileSync('/bin/sleep', path);
      const pid = await start('/bin/sh', ['-c', `echo $$; exec ${path} 60`]);
      await untilRuns(pid, path);
      rmSync(path);
      const evidence = await evidenceOf(pid);
      expect(unusualTexts(evidence)).toEqual(
        expect.arrayContaining(['program was deleted', 'program is below /tmp, where every user may write']),
      );
      expect(lineOf(evidence, 'package')).toMatchObject({
        text: `no package has ${path}`,
        from: 'its folder, which is not for packages',
      });
      // The running file can still be read.
      expect(lineOf(evidence, 'sha256')?.text).toMatch(/^[0-9a-f]{64}$/);
    });

    test('finds a program unusual that was replaced, and one that every user can write', async () => {
      const path = join(newFolder(), 'tool');
      copyFileSync('/bin/sleep', path);
      chmodSync(path, 0o777);
      const pid = await start('/bin/sh', ['-c', `echo $$; exec ${path} 60`]);
      await untilRuns(pid, path);
      rmSync(path);
      copyFileSync('/bin/sleep', path);
      expect(unusualTexts(await evidenceOf(pid))).toEqual(
        expect.arrayContaining([
          'program was replaced since it started',
          'program is writable by every user',
        ]),
      );
    });

    test('names the script that node runs and its git repository, without the password of the remote', async () => {
      const folder = newFolder();
      const script = join(folder, 'server.js');
      writeFileSync(script, 'console.log(process.pid); setInterval(() => {}, 1e6);');
      mkdirSync(join(folder, '.git'));
      writeFileSync(join(folder, '.git/HEAD'), 'ref: refs/heads/main\n');
      writeFileSync(
        join(folder, '.git/config'),
        '[remote "origin"]\n\turl = https://ana:secret@git.example/app.git\n',
      );
      const pid = await start(process.execPath, ['server.js'], { cwd: folder });
      const evidence = await evidenceOf(pid);
      expect(lineOf(evidence, 'script')).toEqual({ label: 'script', text: script, from: script });
      expect(lineOf(evidence, 'repo')).toEqual({
        label: 'repo',
        text: `${folder}, branch main, from https://git.example/app.git`,
        from: join(folder, '.git'),
      });
      expect(unusualTexts(evidence).some((it) => it.startsWith('script is below /tmp'))).toBe(true);
    });

    test('finds code on the command line unusual', async () => {
      const pid = await start(process.execPath, [
        '-e',
        'console.log(process.pid); setInterval(() => {}, 1e6)',
      ]);
      expect(unusualTexts(await evidenceOf(pid))).toContain('runs code from its command line');
    });

    test.skipIf(!python)(
      'finds a program that runs from memory unusual (memfd; skipped without Python)',
      async () => {
        const code = [
          'import os, sys',
          'fd = os.memfd_create("x", 0)',
          'os.write(fd, open("/bin/sleep", "rb").read())',
          'print(os.getpid(), flush=True)',
          'os.execve(f"/proc/self/fd/{fd}", ["sleep", "60"], {})',
        ].join('\n');
        const pid = await start(python ?? '', ['-c', code]);
        await untilRuns(pid, '/memfd:');
        expect(unusualTexts(await evidenceOf(pid))).toContain(
          'program has no file: it runs from memory (memfd)',
        );
      },
    );

    test('finds LD_PRELOAD unusual, and names sockets that systemd passed on', async () => {
      const pid = await start('/bin/sh', ['-c', `export LISTEN_PID=$$; ${SLEEP}`], {
        env: { LD_PRELOAD: '', LD_AUDIT: '', LISTEN_FDS: '1', PATH: process.env['PATH'] },
      });
      await untilRuns(pid, 'sleep');
      const evidence = await evidenceOf(pid);
      expect(lineOf(evidence, 'sockets')?.text).toBe(
        'opened by its launcher, such as systemd (LISTEN_FDS=1)',
      );
      expect(unusualTexts(evidence)).toContain('LD_PRELOAD is set');
    });

    test.each([
      ['cron', /^scheduled job \(cron \d+\)$/, {}],
      [
        'sshd',
        /^ssh session from 203\.0\.113\.9 \(sshd \d+\)$/,
        { SSH_CONNECTION: '203.0.113.9 5000 192.0.2.1 22' },
      ],
      ['supervisord', /^supervisord \(supervisord \d+\)$/, {}],
    ])('says why the child of %s runs, and names its parents', async (name, reason, env) => {
      const path = join(newFolder(), name);
      copyFileSync('/bin/sh', path);
      const pid = await start(path, ['-c', "sh -c 'echo $$; exec sleep 60' & wait"], {
        env: { PATH: process.env['PATH'], ...env },
      });
      await untilRuns(pid, 'sleep');
      const evidence = await evidenceOf(pid);
      expect(lineOf(evidence, 'why')?.text).toMatch(reason);
      expect(lineOf(evidence, 'parents')?.text).toContain(`→ ${name} (`);
    });

    test('says that a process has ended', async () => {
      expect((await evidenceOf(2 ** 22)).lines).toEqual([
        { label: 'why', text: 'the process has ended, or /proc cannot be read', from: '/proc/4194304' },
      ]);
    });

    const startTicks = parseStat(readFileSync('/proc/self/stat', 'latin1'))?.startTicks ?? 0;

    test('examines a process that started before the wall clock was set', async () => {
      const evidence = await evidenceOf(process.pid, { startedAtMs: Date.now() - 1e9, startTicks });
      expect(evidence).toMatchObject({ startTicks });
      expect(lineOf(evidence, 'parents')).toBeDefined();
    });

    test.each([
      ['', { startedAtMs: Date.now() - 1e9 }],
      [', by its start since the boot', { startTicks: startTicks - 1 }],
    ])('does not examine another process that has got the pid%s', async (_, start) => {
      expect(await evidenceOf(process.pid, start)).toEqual({
        pid: process.pid,
        ...start,
        verdict: [],
        lines: [
          {
            label: 'why',
            text: 'the process has ended, and another one has its pid now',
            from: `/proc/${process.pid}`,
          },
        ],
        isComplete: true,
      });
    });

    test('is not read further when it is no longer wanted', async () => {
      const all: Evidence[] = [];
      await readLinuxEvidence(
        { pid: process.pid },
        (it) => all.push(it),
        () => false,
      );
      expect(all.map(({ isComplete }) => isComplete)).toEqual([false]);
    });
  },
);

describe.skipIf(process.platform !== 'linux')('a docker-proxy (skipped elsewhere: /proc)', () => {
  /** Serves an answer on a Unix socket, as the API of Docker does, below a root. */
  async function serveApi(root: string, answer: string): Promise<() => void> {
    mkdirSync(join(root, 'var/run'), { recursive: true });
    mkdirSync(join(root, 'etc'));
    symlinkSync('/proc', join(root, 'proc'));
    const server = createServer((_, response) => response.end(answer));
    await new Promise<void>((resolve) => void server.listen(join(root, 'var/run/docker.sock'), resolve));
    return () => server.close();
  }

  const proxy = async (): Promise<number> => {
    const path = join(newFolder(), 'docker-proxy');
    copyFileSync('/bin/sh', path);
    const args = ['-proto', 'tcp', '-container-ip', '172.17.0.2', '-container-port', '80'];
    return start(path, ['-c', 'echo $$; sleep 60; :', ...args]);
  };

  const linesOf = async (pid: number, root: string): Promise<Evidence> => {
    let last: Evidence | undefined;
    await readLinuxEvidence({ pid }, (it) => (last = it), undefined, root);
    if (!last) throw new Error('no evidence');
    expectShortLabels(last);
    return last;
  };

  test('names the container and its port if the API answers', async () => {
    const root = newFolder();
    const networks = { bridge: { IPAddress: '172.17.0.2' } };
    const close = await serveApi(
      root,
      JSON.stringify([{ Names: ['/web'], NetworkSettings: { Networks: networks } }]),
    );
    try {
      expect(lineOf(await linesOf(await proxy(), root), 'forwards')).toEqual({
        label: 'forwards',
        text: 'port 80 of container web, at 172.17.0.2',
        from: 'command line, /var/run/docker.sock',
      });
    } finally {
      close();
    }
  });

  test.each([['not JSON'], ['{}'], ['[null]'], ['[{"Names":[1]}]'], ['x'.repeat(5_000_000)]])(
    'names only the port if the API answers %.10j',
    async (answer) => {
      const root = newFolder();
      const close = await serveApi(root, answer);
      try {
        expect(lineOf(await linesOf(await proxy(), root), 'forwards')?.text).toBe(
          'port 80 of the container at 172.17.0.2',
        );
      } finally {
        close();
      }
    },
  );
});
