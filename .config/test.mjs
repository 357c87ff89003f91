// Runs everything that must hold: the end-to-end tests, which mostly wait, and beside them, at a lower priority, the checks and
// then the unit tests. Fails if one of them fails.
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const config = join(root, '.config', 'vitest.config.ts');

/** Nice value of what runs beside the end-to-end tests: they get nearly all of a core that they need. */
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

/** Runs the checks, then the unit tests. Returns their output, to print after that of the end-to-end tests. */
async function runBackground() {
  const check = await run([join(root, '.config', 'check.mjs')], { nice: BACKGROUND });
  const units = await run([vitest, 'run', '--config', config, '--project', 'units'], { nice: BACKGROUND });
  return [check, units];
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    process.exitCode = 1;
  });

const [background, endToEnd] = await Promise.all([
  runBackground(),
  run([vitest, 'run', '--config', config, '--project', 'e2e*'], { isPrinting: true }),
]);
for (const { text } of background) process.stdout.write(text);
if (![...background, endToEnd].every(({ isSuccess }) => isSuccess)) process.exitCode = 1;
