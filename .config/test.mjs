// Runs everything that must hold: the end-to-end tests that run two at a time; then those that run alone and mostly wait, and
// beside these, at a lower priority, the checks and the unit tests. Fails if one of them fails.
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const config = join(root, '.config', 'vitest.config.ts');

/** Nice value of what runs beside end-to-end tests: these get nearly all of a core that they need. */
const BACKGROUND = 10;

const children = new Set();

/** Runs a Node program. Returns what it printed, which is empty with `isPrinting`, and whether it succeeded. */
const run = (args, { nice, isPrinting }) =>
  new Promise((resolve, reject) => {
    const output = isPrinting ? 'inherit' : 'pipe';
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', output, output] });
    children.add(child);
    if (nice !== undefined) setPriority(child.pid, nice);
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
    child.on('error', reject).on('close', (code) => {
      children.delete(child);
      resolve({ text, isSuccess: code === 0 });
    });
  });

const runTests = (project, how) => run([vitest, 'run', '--config', config, '--project', project], how);

/** Runs the checks, then the unit tests. Returns their output, to print after that of the end-to-end tests. */
async function runBackground() {
  const check = await run([join(root, '.config', 'check.mjs')], { nice: BACKGROUND });
  return [check, await runTests('units', { nice: BACKGROUND })];
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    process.exit(1);
  });

const inPairs = await runTests('e2e', { isPrinting: true });
const [background, alone] = await Promise.all([runBackground(), runTests('e2e-alone', { isPrinting: true })]);
for (const { text } of background) process.stdout.write(text);
if (![inPairs, alone, ...background].every(({ isSuccess }) => isSuccess)) process.exitCode = 1;
