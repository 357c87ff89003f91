// Runs all tests: the end-to-end tests side by side, then those that run alone. The latter mostly wait: the unit tests run
// beside them, at the lowest priority. Fails if one of the three fails.
import { spawn } from 'node:child_process';
import { availableParallelism, constants, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

/** Runs the tests of a project. Returns whether all passed, and their output where stdio is `pipe`. */
function runProject(project, { stdio = 'inherit', priority = 0, options = [] } = {}) {
  const args = ['run', '--config', '.config/vitest.config.ts', '--project', project, ...options];
  const child = spawn(process.execPath, [vitest, ...args], { cwd: root, stdio: ['ignore', stdio, stdio] });
  if (child.pid !== undefined) setPriority(child.pid, priority);
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ passed: code === 0, output: Buffer.concat(chunks) }));
  });
}

const endToEnd = await runProject('e2e');
const units = runProject('units', {
  // Printed as a whole at the end, so that the output of the two runs is not mixed.
  stdio: 'pipe',
  priority: constants.priority.PRIORITY_LOW,
  // At the lowest priority a test may wait for a processor longer than it runs.
  options: ['--maxWorkers', String(Math.max(2, availableParallelism() - 1)), '--testTimeout', '300000'],
});
const alone = await runProject('e2e-alone');
const { passed, output } = await units;
process.stdout.write(output);
process.exitCode = endToEnd.passed && alone.passed && passed ? 0 : 1;
