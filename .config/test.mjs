// Runs all tests: the end-to-end tests side by side, then those that run alone. The latter mostly wait: the unit tests run
// beside them, at the lowest priority. Prints what failed once more at the end. Fails if one of the three fails.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, constants, setPriority, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reports = mkdtempSync(join(tmpdir(), 'netpane-reports-'));

/** Runs the tests of a project. Returns its name, whether all passed, and their output where stdio is `pipe`. */
function runProject(project, { stdio = 'inherit', priority = 0, options = [] } = {}) {
  const report = ['--reporter', 'default', '--reporter', 'json', '--outputFile.json', join(reports, project)];
  const args = ['run', '--config', '.config/vitest.config.ts', '--project', project, ...report, ...options];
  const child = spawn(process.execPath, [vitest, ...args], { cwd: root, stdio: ['ignore', stdio, stdio] });
  if (child.pid !== undefined) setPriority(child.pid, priority);
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ project, passed: code === 0, output: Buffer.concat(chunks) }));
  });
}

/** Returns a text for each failed test and each failed file of a project: where it is, and why it failed. */
function failuresOf(project) {
  const { testResults } = JSON.parse(readFileSync(join(reports, project), 'utf8'));
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((result) => result.status === 'failed');
    const file = relative(root, name);
    if (failed.length === 0) return status === 'failed' ? [`${file}\n${message}`] : [];
    return failed.map(
      ({ fullName, failureMessages }) => `${file} > ${fullName}\n${failureMessages.join('\n')}`,
    );
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
const { output } = await units;
process.stdout.write(output);

// A log is often cut to its last lines.
for (const { project, passed } of [endToEnd, alone, await units]) {
  if (passed) continue;
  process.exitCode = 1;
  console.log(`\n${project} failed:`);
  try {
    for (const failure of failuresOf(project)) console.log(`\n${failure}`);
  } catch (error) {
    console.log(`no report: ${error.message}`);
  }
}
rmSync(reports, { recursive: true });
