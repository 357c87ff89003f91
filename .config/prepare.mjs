// Makes a checkout ready to run: installs the packages of package-lock.json if they are missing or have another
// version, and builds dist/ if it is older than its inputs or was built by another version of Node. If nothing has to be
// done, it takes a few milliseconds.
// Plain JavaScript that needs only Node, because it runs before any installation.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const path = (...parts) => join(root, ...parts);
const fail = (message) => {
  process.stderr.write(`netpane: ${message}\n`);
  process.exit(1);
};

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old: version 20.19 or newer is required`);
}

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const installStamp = path('node_modules', '.netpane-install');
const wanted = createHash('sha256')
  .update(readFileSync(path('package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex');
if (read(installStamp) !== wanted) {
  process.stderr.write('netpane: installing packages …\n');
  // No package needs its install script here: run none.
  const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npmCli = process.env.npm_execpath;
  const { status } = npmCli?.endsWith('.js')
    ? spawnSync(process.execPath, [npmCli, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (status !== 0) fail('npm ci failed (see above)');
  writeFileSync(installStamp, wanted);
}

const newestMs = (entry) => {
  const stat = statSync(entry);
  if (!stat.isDirectory()) return stat.mtimeMs;
  // The time of the folder itself changes when a file is deleted.
  return Math.max(stat.mtimeMs, ...readdirSync(entry).map((name) => newestMs(join(entry, name))));
};

const buildStamp = path('dist', '.built');
const inputs = [
  'src',
  'test/bench',
  'test/fuzz',
  'test/helpers',
  'package.json',
  'package-lock.json',
  '.config',
];
const builtMs = existsSync(buildStamp) ? statSync(buildStamp).mtimeMs : 0;
const newestInputMs = Math.max(
  ...inputs
    .map((input) => path(input))
    .filter(existsSync)
    .map(newestMs),
);
// V8 accepts only code caches that its own version has made.
if (builtMs < newestInputMs || read(buildStamp) !== process.version) {
  process.stderr.write('netpane: building …\n');
  rmSync(path('dist'), { recursive: true, force: true });
  mkdirSync(path('dist'));
  const { build } = await import('./build.mjs');
  await build(root).catch((error) => fail(`the build failed: ${error.message}`));
  writeFileSync(buildStamp, process.version);
}
