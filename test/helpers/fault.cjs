// Preloaded into netpane (`node --require`) by end-to-end tests: causes a fault that cannot be caused from outside the
// program. NETPANE_FAULT names it, or several with commas. Plain JavaScript, because plain `node` loads it, in worker threads too.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { appendFileSync, existsSync, readFileSync, statSync } = fs;
const { syncBuiltinESMExports } = require('node:module');
const tty = require('node:tty');
const { isMainThread, workerData } = require('node:worker_threads');

const { NETPANE_FAULT: names = '', NETPANE_FAULT_FILE: faultFile = '' } = process.env;
/** Time within which the screen is painted, milliseconds. */
const STARTED_MS = 1_000;

/*
 * The thread of this module: the sampling thread, the keeper, or the thread of the command (src/cli/keeper.ts). The main
 * thread is the keeper, except for `ls`, which runs in it.
 */
const isSampler = !isMainThread && workerData?.opening !== undefined;
const isKeeper = isMainThread && !process.argv.includes('ls');
const isCommand = isMainThread ? !isKeeper : workerData?.isCommand === true;

/** Time between two drains, in src/sampler/sampler.ts. */
const DRAIN_MS = 50;

/** Calls `act` once the test has created `faultFile`; without a name of it, after STARTED_MS. */
const onSignal = (act) => {
  if (faultFile === '') return setTimeout(act, STARTED_MS);
  const timer = setInterval(() => {
    if (!existsSync(faultFile)) return;
    clearInterval(timer);
    act();
  }, 20);
  return timer;
};
/**
 * Returns a function that writes to `faultFile`.begun, before it returns. The file is opened now: the sampling thread may later
 * open none to write to.
 */
const beginNote = () => {
  const file = fs.openSync(`${faultFile}.begun`, 'a');
  return () => fs.writeSync(file, 'begun');
};
/** Blocks the thread for ever. It sleeps, because other tests need the processor. */
const busy = () => {
  const noteBegin = beginNote();
  onSignal(() => {
    noteBegin();
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (;;) Atomics.wait(never, 0, 0, 100);
  });
};

/**
 * Lets the test start each poll after the first: `faultFile` holds one byte for each allowed poll. Whenever a poll is
 * over and the next one is scheduled, a byte is appended to `faultFile`.wanted. An allowed poll starts at once.
 * @param isPoll true for the delay of a timer that starts the next poll
 */
const pollsByHand = (isPoll) => {
  const { setTimeout: after } = globalThis;
  // Polls that the test allowed to an earlier netpane with the same file do not count.
  let wanted = statSync(faultFile).size;
  fs.truncateSync(`${faultFile}.wanted`, wanted);
  // The sampling thread may open no file to write to once its source is open.
  const wantedFile = fs.openSync(`${faultFile}.wanted`, 'a');
  globalThis.setTimeout = (act, delayMs) => {
    if (!isPoll(delayMs)) return after(act, delayMs);
    wanted += 1;
    fs.writeSync(wantedFile, '.');
    const number = wanted;
    const check = () => (statSync(faultFile).size >= number ? act() : after(check, 2));
    return after(check, 0);
  };
};

const inWorker = {
  // Drains between polls continue; the delay of a poll never equals their interval.
  'polls-by-hand': () => pollsByHand((delayMs) => delayMs !== DRAIN_MS),
  'worker-throws': () =>
    onSignal(() => {
      throw new Error('the worker failed on purpose');
    }),
  /** Blocks the sampling thread between two polls in a call that does not return, like a read of /proc that waits for a lock. */
  'worker-stuck': () => {
    const { setTimeout: after } = globalThis;
    // To open a pipe that has no writer blocks.
    const pipe = `${faultFile}.pipe`;
    spawnSync('mkfifo', [pipe]);
    const noteBegin = beginNote();
    globalThis.setTimeout = (act, delayMs) => {
      // The last batch is delivered, and the next poll is being scheduled: it must not begin before the thread blocks.
      if (delayMs !== DRAIN_MS && existsSync(faultFile))
        return after(() => {
          noteBegin();
          fs.openSync(pipe, 'r');
        }, 0);
      return after(act, delayMs);
    };
  },
  'worker-busy': busy,
  'worker-exits': () => onSignal(() => process.exit(9)),
  'table-unreadable': () => {
    const { openSync } = fs;
    fs.openSync = (path, ...rest) => {
      if (path === '/proc/net/tcp' && existsSync(faultFile)) {
        throw Object.assign(new Error('EIO: the table failed on purpose'), { code: 'EIO' });
      }
      return openSync(path, ...rest);
    };
    // Names imported from `node:fs` change only after this call.
    syncBuiltinESMExports();
  },
};

/** Replaces a function of the C library in koffi: `act` gets the real function and the arguments of each call. */
function onCalls(name, act) {
  const koffi = require('koffi');
  const { load } = koffi;
  koffi.load = (...library) => {
    const real = load(...library);
    const func = (prototype) => {
      const call = real.func(prototype);
      return prototype.includes(` ${name}(`) ? (...args) => act(call, args, koffi) : call;
    };
    return { func };
  };
}
const AF_NETLINK = 16;

/** Faults in any thread that may read the sockets. */
const inBoth = {
  /** Delays the loading of native code until the program has begun to exit; writes the progress to `faultFile`. */
  'slow-to-load': () => {
    const append = (word) => appendFileSync(faultFile, word);
    if (isCommand) process.on('exit', () => append('ending '));
    const { dlopen } = process;
    process.dlopen = (...args) => {
      append('loading ');
      while (!readFileSync(faultFile, 'utf8').includes('ending'));
      const untilMs = performance.now() + 200;
      while (performance.now() < untilMs);
      dlopen(...args);
      append('loaded');
    };
  },
  /** Refuses bpf(2), as the kernel does without CAP_BPF. */
  'no-ledger': () =>
    onCalls('syscall', (call, args, koffi) => {
      if (args[0] !== { x64: 321, arm64: 280 }[process.arch]) return call(...args);
      koffi.errno(koffi.os.errno.EPERM);
      return -1;
    }),
  'netlink-forbidden': () =>
    onCalls('socket', (call, args, koffi) => {
      if (args[0] !== AF_NETLINK) return call(...args);
      koffi.errno(koffi.os.errno.EPERM);
      return -1;
    }),
  'netlink-dies': () =>
    onCalls('recvfrom', (call, args, koffi) => {
      if (!existsSync(faultFile)) return call(...args);
      koffi.errno(koffi.os.errno.EIO);
      return -1;
    }),
};

/** A timer of `netpane watch` above this is the one of the next poll: its tests have a longer interval, milliseconds. */
const LONG_MS = 600_000;

const inCommand = {
  /** `watch` polls in the thread that runs the command. */
  'polls-by-hand': () => process.argv.includes('watch') && pollsByHand((delayMs) => delayMs > LONG_MS),
  'screen-refused': () => {
    tty.WriteStream = class {
      constructor() {
        throw new Error('the terminal failed on purpose');
      }
    };
    // Names imported from `node:tty` change only after this call.
    syncBuiltinESMExports();
  },
  /** Throws in the next write to the terminal, which blessed makes while it renders. */
  'render-throws': () => {
    const { prototype } = tty.WriteStream;
    const { write } = prototype;
    let stream;
    prototype.write = function (...args) {
      stream = this;
      return write.apply(this, args);
    };
    onSignal(() => {
      prototype.write = () => {
        prototype.write = write;
        throw new Error('a widget failed on purpose');
      };
      // A screen without changes would write nothing for seconds.
      stream.emit('resize');
    });
  },
  'timer-throws': () =>
    onSignal(() => {
      throw new Error('a timer failed on purpose');
    }),
  'command-busy': busy,
  /** From the time when the test creates `faultFile`, the clock of the screen is ten minutes ahead. */
  'clock-ahead': () => {
    const { performance: clock } = globalThis;
    const now = clock.now.bind(clock);
    clock.now = () => now() + (existsSync(faultFile) ? 600_000 : 0);
  },
  'promise-rejects': () => onSignal(() => void Promise.reject(new Error('a promise failed on purpose'))),
};

const inKeeper = {
  /** Splits input into single bytes, as a slow line does, but without delays. */
  'input-in-bytes': () => {
    const { stdin } = process;
    const { emit } = stdin;
    stdin.emit = (event, ...args) => {
      if (event !== 'data') return emit.call(stdin, event, ...args);
      for (const byte of args[0]) emit.call(stdin, 'data', Buffer.from([byte]));
      return true;
    };
  },
};

for (const fault of names.split(',')) {
  if (isKeeper) inKeeper[fault]?.();
  else if (isCommand || isSampler) ({ ...inBoth, ...(isCommand ? inCommand : inWorker) })[fault]?.();
}
