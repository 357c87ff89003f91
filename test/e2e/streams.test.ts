// Every command with an output that does not work: it ends, and says why where it can.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { cleanUp, hasNetlink, isLinux, program, unshare } from './netpane.ts';

/**
 * Runs a line of bash, where `netpane` runs the built program, in a new network namespace if possible.
 * @returns `said` has the lines of stderr without notices about what is hidden
 */
async function bash(line: string): Promise<{ code: number | null; stdout: string; said: string[] }> {
  const netpane = `netpane() { ${unshare.join(' ')} ${process.execPath} ${program} "$@"; }`;
  // In a new process group, which can be killed as a whole.
  const child = spawn('bash', ['-c', `${netpane}; ${line}`], { detached: true });
  cleanUp(() => child.exitCode ?? process.kill(-(child.pid ?? 0), 'SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const said = stderr.split('\n').filter((it) => it !== '' && !/hidden|not see/.test(it));
  return { code, stdout, said };
}

const COMMANDS = ['ls', 'ls --json', 'ls --csv', 'watch', 'watch --json', '--help', '--version', 'config'];

/** For tests that wait for seconds until `watch` notices that its reader is gone. */
const SIDE_BY_SIDE = { concurrent: true };

describe.skipIf(!isLinux)('an output that does not work (skipped elsewhere: it needs Linux)', () => {
  test.each(COMMANDS)('makes %s end with code 1 and one line: closed stdout', async (command) => {
    expect(await bash(`netpane ${command} >&-`)).toEqual({
      code: 1,
      stdout: '',
      said: [expect.stringMatching(/^netpane: cannot print: stdout is closed/)],
    });
  });

  // `watch` prints only events, and this network has none.
  test.each(COMMANDS.filter((it) => !it.startsWith('watch')))(
    'makes %s end with code 1 and one line: full disk',
    async (command) => {
      const said = [expect.stringMatching(/^netpane: cannot write to stdout: the disk is full: .*ENOSPC/)];
      expect(await bash(`netpane ${command} >/dev/full`)).toEqual({ code: 1, stdout: '', said });
    },
  );

  test.each(COMMANDS)(
    'makes %s end with code 0 and no message, even without events: pipe without a reader',
    SIDE_BY_SIDE,
    async (command) => {
      const line = `netpane ${command} | true; echo \${PIPESTATUS[0]}`;
      const { code, stdout, said } = await bash(line);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '0\n' });
      expect(said.join()).not.toMatch(/EPIPE|Error|printed/);
    },
  );

  test.each(['2>&-', '2>/dev/full', '2> >(true)'])(
    'does not stop the output to stdout: %s',
    async (stderr) => {
      const { code, stdout } = await bash(`netpane ls --json --source proc ${stderr}`);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual(expect.any(Array));
    },
  );

  test.skipIf(!hasNetlink).each([
    ['a socket', 0, 'import socket; a, b = socket.socketpair()'],
    // Ends by SIGHUP.
    [
      'a terminal',
      255,
      'import os, pty; m, s = pty.openpty(); a, b = os.fdopen(s, "rb+", 0), os.fdopen(m, "rb+", 0)',
    ],
  ])('makes watch end even without events: closed peer of %s', SIDE_BY_SIDE, async (_, ended, make) => {
    // Closes it once netpane has netlink sockets: before that, Node may abort when its terminal closes.
    const python = `import os, subprocess, sys, time; ${make}
p = subprocess.Popen(sys.argv[1:], stdout=a, start_new_session=True); fds = f"/proc/{p.pid}/fd/"
def link(fd):
  try: return os.readlink(fds + fd)
  except OSError: return ""
while p.poll() is None and not any(link(fd).startswith("socket:") for fd in os.listdir(fds) if int(fd) > 2): time.sleep(.02)
a.close(); b.close(); sys.exit(p.wait(20))`;
    const line = `command -v python3 >/dev/null || exit 77; python3 -c '${python}' ${unshare.join(' ')} ${process.execPath} ${program} watch`;
    const { code } = await bash(line);
    // 77: there is no python3.
    expect([ended, 77]).toContain(code);
  });

  test.for([20, 21, 22, 23, 24])(
    'a limit of %i open files ends watch with one line that has the remedy (skipped where Node itself needs more)',
    async (limit, { skip }) => {
      const node = await bash(`ulimit -n ${limit}; ${process.execPath} --check ${program}`);
      if (node.code !== 0) skip(`Node ${process.version} does not start with ${limit} open files`);
      const { code, said } = await bash(
        `ulimit -n ${limit}; ${process.execPath} ${program} watch --port 1 & wait $!`,
      );
      expect(code).toBe(1);
      expect(said).toEqual([
        expect.stringMatching(/^netpane: .*EMFILE.*ulimit -n|^netpane: .*ulimit -n.*EMFILE/),
      ]);
    },
  );
});
