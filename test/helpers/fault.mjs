// Preloaded into netpane (`node --import`) by end-to-end tests: makes happen what nothing outside a program can
// make happen. NETPANE_FAULT names it. Plain JavaScript, for plain `node` loads it, in the worker thread too.
import { spawnSync } from 'node:child_process';
import fs, { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import tty from 'node:tty';
import { isMainThread, workerData } from 'node:worker_threads';

const { NETPANE_FAULT: fault = '', NETPANE_TICKS: ticksFile = '' } = process.env;
/** Time for the screen to be up and painted, milliseconds. */
const later = 1_000;

/** The sampling thread; the one that runs the command; and the main thread where another one does (src/cli/keeper.ts). */
const isSampler = !isMainThread && workerData?.opening !== undefined;
const isKeeper = isMainThread && !process.argv.includes('ls');
const isCommand = isMainThread ? !isKeeper : workerData?.isCommand === true;

/** As in src/sampler/sampler.ts. */
const DRAIN_MS = 50;

/** Does something as soon as the test says so, by making `ticksFile`; without that after a while. */
const whenTold = (act) => {
  if (ticksFile === '') return setTimeout(act, later);
  const timer = setInterval(() => {
    if (!existsSync(ticksFile)) return;
    clearInterval(timer);
    act();
  }, 20);
  return timer;
};
/** A thread that does nothing else any more. */
const busy = () =>
  whenTold(() => {
    appendFileSync(ticksFile, 'begun');
    for (;;);
  });

const inWorker = {
  /**
   * After the first reading, which comes at once, each waits until the test allows it: `ticksFile` holds a byte for
   * each, and its twin gets one whenever a reading is over and the next one is wanted.
   */
  ticks: () => {
    const { setTimeout: after } = globalThis;
    let wanted = 0;
    globalThis.setTimeout = (act, delayMs) => {
      // What happens between readings is taken in all the time; the interval of readings is never quite this.
      if (delayMs === DRAIN_MS) return after(act, delayMs);
      wanted += 1;
      appendFileSync(`${ticksFile}.wanted`, '.');
      const mine = wanted;
      const ask = () => (statSync(ticksFile).size >= mine ? act() : after(ask, 2));
      return after(ask, delayMs);
    };
  },
  'worker-throws': () =>
    whenTold(() => {
      throw new Error('the worker came to grief');
    }),
  /** The sampling thread is stuck in a call that does not return, as in a read of /proc that waits for a lock. */
  'worker-stuck': () =>
    whenTold(() => {
      appendFileSync(ticksFile, 'begun');
      spawnSync('sleep', ['60']);
    }),
  'worker-busy': busy,
  'worker-exits': () => whenTold(() => process.exit(9)),
  'table-unreadable': () => {
    const { openSync } = fs;
    const brokenFromMs = performance.now() + later;
    fs.openSync = (path, ...rest) => {
      if (path === '/proc/net/tcp' && performance.now() > brokenFromMs) {
        throw Object.assign(new Error('EIO: the table came to grief'), { code: 'EIO' });
      }
      return openSync(path, ...rest);
    };
    // What was imported from `node:fs` by name follows only when told.
    syncBuiltinESMExports();
  },
};

/** A call of the C library, as koffi gives it, in the hands of the test: `act` is given the call and its arguments. */
async function onCalls(name, act) {
  const { default: koffi } = await import('koffi');
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

/** In whichever thread the sockets are read. */
const inBoth = {
  /** Foreign code that is loaded until the program has begun to end, and a moment longer; `ticksFile` says how far it is. */
  'slow-to-load': () => {
    const note = (word) => appendFileSync(ticksFile, word);
    if (isCommand) process.on('exit', () => note('ending '));
    const { dlopen } = process;
    process.dlopen = (...args) => {
      note('loading ');
      while (!readFileSync(ticksFile, 'utf8').includes('ending'));
      const untilMs = performance.now() + 200;
      while (performance.now() < untilMs);
      dlopen(...args);
      note('loaded');
    };
  },
  'netlink-forbidden': () =>
    onCalls('socket', (call, args, koffi) => {
      if (args[0] !== AF_NETLINK) return call(...args);
      koffi.errno(koffi.os.errno.EPERM);
      return -1;
    }),
  'netlink-dies': () => {
    const brokenFromMs = performance.now() + later;
    return onCalls('recv', (call, args, koffi) => {
      if (performance.now() < brokenFromMs) return call(...args);
      koffi.errno(koffi.os.errno.EIO);
      return -1;
    });
  },
};

const inCommand = {
  'screen-refused': () => {
    tty.WriteStream = class {
      constructor() {
        throw new Error('the terminal came to grief');
      }
    };
    // Names imported from `node:tty` follow only after this call.
    syncBuiltinESMExports();
  },
  /** Blessed hands the terminal a picture from within its rendering. */
  'render-throws': () => {
    const { prototype } = tty.WriteStream;
    const { write } = prototype;
    whenTold(() => {
      prototype.write = () => {
        prototype.write = write;
        throw new Error('a widget came to grief');
      };
    });
  },
  'timer-throws': () =>
    whenTold(() => {
      throw new Error('a timer came to grief');
    }),
  'command-busy': busy,
  'promise-rejects': () => whenTold(() => void Promise.reject(new Error('a promise came to grief'))),
};

const inKeeper = {
  /** Input comes byte by byte, as over the slowest line; yet at once, so that no time has to be waited for. */
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

if (isKeeper) inKeeper[fault]?.();
else if (isCommand || isSampler) await { ...inBoth, ...(isCommand ? inCommand : inWorker) }[fault]?.();
