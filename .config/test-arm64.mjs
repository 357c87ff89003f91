// Runs the checks of test/other-linux/ on a Node for arm64, in qemu's emulation of a process. It has no netlink: netpane uses the
// source `proc`; test-arm64-machine.mjs has the others. Says what is missing, and passes, where it cannot run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { LIBRARIES, fetchedNode, installed, lackedLibraries, root } from './arm64.mjs';
import { works } from './package-cache.mjs';

const EMULATOR = 'qemu-aarch64-static';

const lacked = [
  ...(works(EMULATOR, '--version') ? [] : [`${EMULATOR} (Debian: qemu-user-static)`]),
  ...lackedLibraries,
  ...(works('unshare', '-n', 'ip', 'link', 'set', 'lo', 'up')
    ? []
    : ['the right to make a network namespace (root)']),
];
if (lacked.length > 0) {
  process.stdout.write(`netpane: the tests on arm64 are skipped, for want of ${lacked.join(', ')}\n`);
  process.exit(0);
}

const app = installed();
const emulated = [EMULATOR, '-L', LIBRARIES, fetchedNode()];
// koffi calls a function of the C library through the calling convention of arm64.
const call = `const koffi = require('koffi');
process.exit(koffi.load('libc.so.6').func('int getpid()')() === process.pid && process.arch === 'arm64' ? 0 : 1)`;
if (spawnSync(emulated[0], [...emulated.slice(1), '-e', call], { cwd: app, stdio: 'inherit' }).status !== 0) {
  process.stderr.write('netpane: koffi does not work on arm64\n');
  process.exit(1);
}
process.stdout.write('koffi: a call of the C library\n');

// In a network namespace of its own, so that there are the sockets of the tests only.
const netpane = [...emulated, join(app, 'dist', 'netpane.js')];
const checks = [process.execPath, join(root, 'test', 'other-linux', 'checks.mjs'), 'proc', ...netpane];
const { status } = spawnSync(
  'unshare',
  ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...checks],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
