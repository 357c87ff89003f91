// Preloaded into netpane (`node --import`) by a test: appends to the file NETPANE_CHILDREN a line of JSON for each program
// that is started and not waited for, in either thread. Plain JavaScript, for plain `node` loads it.
import { ChildProcess } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const { NETPANE_CHILDREN: list = '' } = process.env;
const { spawn } = ChildProcess.prototype;

ChildProcess.prototype.spawn = function (options) {
  appendFileSync(list, `${JSON.stringify({ args: options.args, env: options.envPairs })}\n`);
  return spawn.call(this, options);
};
