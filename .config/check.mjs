// Runs every script of package.json named `check:…`, as many at a time as there are cores, and prints what they print.
// Fails if one of them fails. The longest are the first in package.json, so that the others run beside them.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const waiting = Object.entries(scripts).filter(([name]) => name.startsWith('check:'));
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` };

/** Runs a script to its end. Returns false if it failed. */
const run = (name, command) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, { cwd: root, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject).on('close', (code) => {
      // In one piece: the output of two scripts is never mixed.
      process.stdout.write(output);
      if (code !== 0) process.stderr.write(`netpane: npm run ${name} failed\n`);
      resolve(code === 0);
    });
  });

let passed = waiting.length > 0;
async function runWaiting() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (!(await run(...next))) passed = false;
  }
}
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, runWaiting));
process.exitCode = passed ? 0 : 1;
