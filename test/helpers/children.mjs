// Preloaded into netpane (`node --import`) by a test: appends a line of JSON to the file NETPANE_CHILDREN for each child
// process that is started asynchronously, in any thread. Plain JavaScript, because plain `node` loads it.
import { ChildProcess } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const { NETPANE_CHILDREN: list = '' } = process.env;
const { spawn } = ChildProcess.prototype;

ChildProcess.prototype.spawn = function (options) {
  appendFileSync(list, `${JSON.stringify({ args: options.args, env: options.envPairs })}\n`);
  return spawn.call(this, options);
};
