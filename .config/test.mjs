// Runs all tests: the end-to-end tests side by side, then those that run alone. The latter mostly wait: the unit tests run
// beside them, at the lowest priority. Prints what failed once more at the end. Fails if one of the three fails.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, constants, setPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reports = mkdtempSync(join(tmpdir(), 'netpane-reports-'));

/** Returns the path of the file with what failed in a project (failures.ts). */
const reportOf = (project) => join(reports, project);

/** Runs the tests of a project. Returns its name, whether all passed, and their output where stdio is `pipe`. */
function runProject(project, { stdio = 'inherit', priority, more = [] } = {}) {
  const report = ['--reporter', 'default', '--reporter', '.config/failures.ts'];
  const args = ['run', '--config', '.config/vitest.config.ts', '--project', project, ...report, ...more];
  const env = { ...process.env, NETPANE_FAILURES: reportOf(project) };
  const options = { cwd: root, stdio: ['ignore', stdio, stdio], env };
  const child = spawn(process.execPath, [vitest, ...args], options);
  if (priority !== undefined && child.pid !== undefined) setPriority(child.pid, priority);
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ project, passed: code === 0, output: Buffer.concat(chunks) }));
  });
}

const endToEnd = await runProject('e2e');
const units = runProject('units', {
  // Printed as a whole at the end, so that the output of the two runs is not mixed.
  stdio: 'pipe',
  priority: constants.priority.PRIORITY_LOW,
  // At the lowest priority a test may wait for a processor longer than it runs.
  more: ['--maxWorkers', String(Math.max(2, availableParallelism() - 1)), '--testTimeout', '300000'],
});
const alone = await runProject('e2e-alone');
const { output } = await units;
process.stdout.write(output);

// A log is often cut to its last lines.
for (const { project, passed } of [endToEnd, alone, await units]) {
  if (passed) continue;
  process.exitCode = 1;
  const report = reportOf(project);
  const failures = existsSync(report) ? readFileSync(report, 'utf8') : '';
  console.log(`\n${project} failed:\n\n${failures || 'see its output above: vitest itself failed'}`);
}
rmSync(reports, { recursive: true });
