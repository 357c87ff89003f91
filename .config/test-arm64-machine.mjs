// Runs the checks of test/other-linux/ on an emulated arm64 machine with a kernel of Debian: netlink, BPF and the filter of system
// calls are those of a real machine. All that the machine needs is in its memory (initramfs), and it has no network besides
// loopback. Says what is missing, and passes, where it cannot run.
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LIBRARIES, cache, fetchedNode, installPackage, installed, lackedLibraries, root } from './arm64.mjs';
import { fetchedSystem } from './debian.mjs';
import { run, works } from './package-cache.mjs';

const EMULATOR = 'qemu-system-aarch64';
/** Maximum time of the machine. It takes some minutes; more on a busy computer. */
const MAX_MS = 60 * 60_000;
/** Modules of the kernel that sock_diag needs. */
const MODULES = [
  'ipv4/inet_diag',
  'ipv4/tcp_diag',
  'ipv4/udp_diag',
  'ipv4/raw_diag',
  'packet/af_packet_diag',
];

/** Ends this process if something is missing. */
function skipWithout(lacked) {
  if (lacked.length === 0) return;
  process.stdout.write(
    `netpane: the tests on an arm64 machine are skipped, for want of ${lacked.join(', ')}\n`,
  );
  process.exit(0);
}
skipWithout([
  ...(works(EMULATOR, '--version') ? [] : [`${EMULATOR} (Debian: qemu-system-arm)`]),
  ...lackedLibraries,
  ...['cpio', 'xz'].filter((command) => !works(command, '--version')),
]);
const system = fetchedSystem(cache);
if (system === undefined) skipWithout(['the kernel of Debian, which apt-get cannot fetch']);
const boot = join(system, 'boot');
const kernel = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
const version = kernel.slice('vmlinuz-'.length);

// The files of the machine.
const files = join(cache, 'machine');
rmSync(files, { recursive: true, force: true });
for (const folder of ['bin', 'dev', 'modules', 'proc', 'sys', 'tmp'])
  mkdirSync(join(files, folder), { recursive: true });
cpSync(join(LIBRARIES, 'lib'), join(files, 'lib'), { recursive: true, dereference: true });
copyFileSync(join(system, 'usr', 'bin', 'busybox'), join(files, 'bin', 'busybox'));
copyFileSync(fetchedNode(), join(files, 'bin', 'node'));
for (const name of MODULES) {
  const module = join(system, 'usr', 'lib', 'modules', version, 'kernel', 'net', `${name}.ko.xz`);
  const output = openSync(join(files, 'modules', `${name.split('/')[1]}.ko`), 'w');
  run('xz', ['-dc', module], { stdio: ['ignore', output, 'inherit'] });
}
cpSync(installed(), join(files, 'app'), { recursive: true });
installPackage(join(files, 'app'), '@lydell/node-pty', '@lydell/node-pty-linux-arm64');
const tests = join(root, 'test', 'other-linux');
copyFileSync(join(tests, 'checks.mjs'), join(files, 'app', 'checks.mjs'));
copyFileSync(join(tests, 'init.sh'), join(files, 'init'));
chmodSync(join(files, 'init'), 0o755);
const initramfs = join(cache, 'machine.cpio');
const output = openSync(initramfs, 'w');
run('sh', ['-c', 'find . | cpio -o -H newc -R 0:0 --quiet'], {
  cwd: files,
  stdio: ['ignore', output, 'inherit'],
});

const machine = [
  EMULATOR,
  ...['-M', 'virt', '-cpu', 'cortex-a72', '-smp', '1', '-m', '1G'],
  ...['-nic', 'none', '-nographic', '-no-reboot'],
  // Its clock advances with its instructions, and skips its idle times: no time limit depends on the load of this computer.
  ...['-icount', 'shift=1,sleep=off'],
  ...['-kernel', join(boot, kernel), '-initrd', initramfs],
  // The test of random numbers from jitter takes a minute in an emulation. After a panic the machine ends.
  ...['-append', 'console=ttyAMA0 loglevel=3 panic=-1 initcall_blacklist=jent_mod_init'],
];
// Other work on this computer goes first.
const emulator = spawn('nice', machine, { stdio: ['ignore', 'pipe', 'inherit'], timeout: MAX_MS });
let hasPassed = false;
for await (const line of createInterface({ input: emulator.stdout })) {
  process.stdout.write(`${line.trimEnd()}\n`);
  hasPassed ||= line.trimEnd() === `netpane on Linux ${version}: passed`;
}
process.exit(hasPassed ? 0 : 1);
