import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

/** Present on most systems, as part of a package. Copies of it are programs of the tests. */
export const PERL = '/usr/bin/perl';
export const PYTHON = '/usr/bin/python3';

/** Listens on an address, prints the port, and ends after some minutes if no test has ended it. */
export const LISTEN = `
use IO::Socket::INET;
alarm 240;
my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => $ENV{ADDRESS} // '127.0.0.1') or die $!;
syswrite STDOUT, $socket->sockport . "\\n";
sleep 60 while 1;`;

/** The same of node, and of python. */
export const LISTEN_NODE = `
import { createServer } from 'node:net';
const server = createServer().listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 240_000);`;
export const LISTEN_PYTHON = `
import signal, socket
signal.alarm(240)
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1])
signal.pause()`;

/** Copies a program to memory, and becomes that copy. */
export const FROM_MEMORY = `
import os, sys
fd = os.memfd_create('hidden', 0)
with open(sys.argv[1], 'rb') as file: os.write(fd, file.read())
os.execv(f'/proc/self/fd/{fd}', sys.argv[1:])`;

/** Returns arguments of `sh`, which runs a line and then becomes a command. */
export const after = (line: string, ...command: readonly string[]): string[] => [
  '-c',
  `${line} && exec "$@"`,
  'sh',
  ...command,
];

/** Starts a program and waits for it, as the program that it is named after does. */
export const PARENT = 'fork or exec @ARGV or die $!; wait;';

/** Opens a listener, starts a program that gets it as systemd passes sockets on (sd_listen_fds(3)), and ends. */
export const LAUNCHER = `
use IO::Socket::INET;
use POSIX ();
$^F = 255;
my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
exit if fork;
POSIX::dup2($socket->fileno, 3);
@ENV{'LISTEN_PID', 'LISTEN_FDS'} = ($$, 1);
exec @ARGV or die $!;`;

/** Takes that listener. */
export const ACTIVATED = `
use IO::Socket::INET;
alarm 240;
my $socket = IO::Socket::INET->new_from_fd(3, 'r') or die $!;
syswrite STDOUT, $socket->sockport . "\\n";
sleep 60 while 1;`;

/** Folders of the tree of cgroups: of version 2, of the part that systemd uses in version 1, and of both at once. */
const CGROUPS = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];

/** Programs with a listener each, and their files, for the tests of a describe. */
export class Programs {
  readonly #children: ChildProcess[] = [];
  readonly #cgroups: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'netpane-programs-'));

  /** Starts a program in a process group of its own. Resolves to the port that it prints. */
  start(command: string, args: readonly string[], { env, ...options }: SpawnOptions = {}): Promise<number> {
    const child = spawn(command, args, {
      ...options,
      detached: true,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', () => reject(new Error(`${command} has ended`)));
      child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(Number(text)));
    });
  }

  /** Copies perl. Returns the path of the copy. */
  copy(name: string): string {
    const path = join(this.folder, name);
    copyFileSync(PERL, path);
    return path;
  }

  /** Copies perl and appends a byte: it runs as before, but its digest is another one. Returns the path of the copy. */
  modified(name: string): string {
    const path = this.copy(name);
    appendFileSync(path, '\n');
    return path;
  }

  /** Writes a file. Returns its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Makes a cgroup. Returns its folder; undefined where the test may not. */
  cgroup(name: string): string | undefined {
    for (const root of CGROUPS) {
      const path = join(root, name);
      try {
        mkdirSync(path);
      } catch {
        continue;
      }
      this.#cgroups.push(path);
      // A folder of a plain file system has none.
      if (existsSync(join(path, 'cgroup.procs'))) return path;
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const { pid } of this.#children) if (pid !== undefined) killGroup(pid);
    // The kernel removes a cgroup when its last process has ended.
    for (const path of this.#cgroups) await vi.waitFor(() => rmdirSync(path), { timeout: 10_000 });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
