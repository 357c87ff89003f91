import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Finding, fuzz } from './run.ts';
import { TARGETS } from './table.ts';

/*
 * `npm run fuzz -- --runs N [--target NAME] [--seed S]`: tries N inputs on each target, or on one, and prints the results.
 * Each fault is printed with the command that reproduces it; its input is saved to a file. Exit code 1 for any fault.
 */

const USAGE = `usage: npm run fuzz -- [--runs N] [--target NAME] [--seed S]
targets:
${Object.entries(TARGETS)
  .map(([name, { about }]) => `  ${name.padEnd(14)}${about}`)
  .join('\n')}
`;

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Folder for inputs with a fault, created for the first one. */
let folder: string | undefined;

function printFinding(name: string, { seed, inputNumber, message, input, count }: Finding): void {
  folder ??= mkdtempSync(join(tmpdir(), 'netpane-faults-'));
  const file = join(folder, `${name}-${seed}`);
  writeFileSync(file, input);
  print(`  ${message}`);
  print(
    `  ${count} times; reproduce: npm run fuzz -- --target ${name} --seed ${seed} --runs ${inputNumber} (last input); saved to ${file}`,
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { runs: { type: 'string' }, target: { type: 'string' }, seed: { type: 'string' } },
  });
  const [runs, seed] = [Number(values.runs ?? 10_000), Number(values.seed ?? 1)];
  const names = values.target === undefined ? Object.keys(TARGETS) : [values.target];
  if (!(runs > 0) || !Number.isInteger(seed) || !names.every((name) => Object.hasOwn(TARGETS, name))) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  for (const name of names) {
    const target = TARGETS[name];
    if (target === undefined) continue;
    const startedMs = performance.now();
    const { inputs, accepted, refused, slowest, findings } = await fuzz(target, runs, seed);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    print(
      `${name.padEnd(14)}${inputs} inputs from seed ${seed}: ${accepted} accepted, ${refused} refused, ` +
        `${findings.length} faults; ${seconds} s, slowest input ${slowest.ms.toFixed(0)} ms (seed ${slowest.seed})`,
    );
    for (const finding of findings) printFinding(name, finding);
    if (findings.length > 0) process.exitCode = 1;
  }
}

await main();
// Timers of the fuzzed screens would keep the process alive.
process.exit();
