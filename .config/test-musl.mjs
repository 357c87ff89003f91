// Runs test/other-linux/: netpane on musl instead of glibc. Node has no build for musl in the npm registry, Bun has one: it is fetched
// into a cache folder at the first run. Says what is missing, and passes, where it cannot run.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, fetched, run, works } from './package-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = cacheFolder('musl');

const BUN = '@oven/bun-linux-x64-musl-baseline@1.4.4';
const LOADER = '/lib/ld-musl-x86_64.so.1';
/** Debian's C++ library, which is linked to glibc: `test/other-linux/glibc.c` has the functions that musl lacks. */
const CPP = '/usr/lib/x86_64-linux-gnu/libstdc++.so.6';
const GCC = '/lib/x86_64-linux-gnu/libgcc_s.so.1';

const lacked = [
  ...(works('musl-gcc', '--version') && existsSync(LOADER) ? [] : ['musl (Debian: musl, musl-tools)']),
  ...(existsSync(CPP) && existsSync(GCC) ? [] : ['libstdc++ of Debian on x86-64']),
  ...(works('unshare', '-n', 'ip', 'link', 'set', 'lo', 'up')
    ? []
    : ['the right to make a network namespace (root)']),
];
if (lacked.length > 0) {
  process.stdout.write(`netpane: the tests on musl are skipped, for want of ${lacked.join(', ')}\n`);
  process.exit(0);
}

const bun = join(fetched(cache, BUN), 'bin', 'bun');
const libraries = join(cache, 'lib');
rmSync(libraries, { recursive: true, force: true });
mkdirSync(libraries, { recursive: true });
for (const library of [CPP, GCC]) copyFileSync(library, join(libraries, library.split('/').at(-1)));
// The names under which the C++ library asks for parts of glibc.
for (const name of ['libc.so.6', 'libm.so.6']) symlinkSync(LOADER, join(libraries, name));
run('musl-gcc', [
  ...['-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'],
  ...['-o', join(libraries, 'ld-linux-x86-64.so.2'), join(root, 'test', 'other-linux', 'glibc.c')],
]);

// In a network namespace of its own, so that there are the sockets of the tests only.
const netpane = [LOADER, '--library-path', libraries, bun, join(root, 'dist', 'netpane.js')];
const checks = [process.execPath, join(root, 'test', 'other-linux', 'checks.mjs'), 'sock_diag', ...netpane];
const { status } = spawnSync(
  'unshare',
  ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...checks],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
