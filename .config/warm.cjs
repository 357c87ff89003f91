// Preloaded into each thread of netpane by warm.mjs: writes the code cache of each script, with all functions that have been
// called, to SCRIPT.PID-THREAD.warm, once: when the file now.warm appears, or at the end of the thread.
const { existsSync, openSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');
const { threadId } = require('node:worker_threads');

const POLL_MS = 50;

// A cache is valid only for the flags of V8 with which it is made: leave them as they are at the start.
v8.setFlagsFromString = () => {};

/** Scripts that this thread has loaded, and the files for their caches. */
const scripts = [];
vm.Script = class extends vm.Script {
  constructor(code, options) {
    super(code, options);
    const file = options.filename.replace(/js$/, `${process.pid}-${threadId}.warm`);
    try {
      // Not later: a confined thread can only write to files that are open.
      scripts.push([this, openSync(file, 'w')]);
    } catch {
      // The thread is confined: the few scripts that it loads from now on keep the caches that they have.
    }
  }
};

function write() {
  clearInterval(timer);
  for (const [script, descriptor] of scripts.splice(0)) writeSync(descriptor, script.createCachedData());
}
const now = join(__dirname, '..', 'dist', 'now.warm');
const timer = setInterval(() => existsSync(now) && write(), POLL_MS).unref();
process.on('exit', write);
