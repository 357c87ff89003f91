// The stage for tests of connections that live shorter than an interval: a network namespace where root can make one,
// programs in it whose connections close at once (test/helpers/short-lived.cjs), and a `netpane watch` that prints them.
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { LineProgram, PATIENCE_MS, withinPatience } from './line-program.ts';
import { cleanUp, isRoot, programForAll, uniqueName } from './netpane.ts';
import { type Answer, type ProgramOptions, type ProgramResult, Server } from './server.ts';
import { Watcher } from './watcher.ts';

/** The account 'nobody'. */
const UNPRIVILEGED_UID = 65_534;
/** An ordinary user: 'nobody' for root, otherwise the user who runs the tests. */
export const ORDINARY_UID = isRoot ? UNPRIVILEGED_UID : (process.getuid?.() ?? UNPRIVILEGED_UID);

/** See probe.ts. */
export const noNetwork = inject('noNetwork');

/** How netpane watches. */
interface WatchOptions {
  args?: readonly string[];
  /** Names of faults, see fault.cjs. */
  fault?: readonly string[];
  /** The file by which the test starts a fault. */
  faultFile?: string;
  /** Runs outside the namespace of the stage; root sees all namespaces. */
  isOutside?: boolean;
  /** Runs as an ordinary user, and all other programs as root. */
  isOrdinary?: boolean;
  /** Command and first arguments that run it with fewer rights or facilities. */
  through?: readonly string[];
  /** After the first poll, polls only when the test calls `poll`. */
  isByHand?: boolean;
}

const asUser = (uid: number): string[] => ['-S', String(uid), '-G', String(uid)];

const copy = inject('copy');
const SHORT_LIVED = join(copy, 'test', 'helpers', 'short-lived.cjs');
const FAULT = join(copy, 'test', 'helpers', 'fault.cjs');

/** The namespace, the user and the files with which the programs of a test run. */
export class Stage {
  /** The command and first arguments that run a program in the namespace, as the user of the stage. */
  readonly through: readonly string[];
  /** A folder that every user can read: names of node for the programs, and the files of polls by hand. */
  readonly #folder: string;
  /** Inode of its network namespace. */
  readonly netns: number;
  readonly uid: number;
  /** Faults of all netpanes, see fault.cjs. */
  readonly #faults: readonly string[];

  private constructor(
    through: readonly string[],
    folder: string,
    netns: number,
    uid: number,
    faults: readonly string[],
  ) {
    this.#faults = faults;
    this.through = through;
    this.#folder = folder;
    this.netns = netns;
    this.uid = uid;
  }

  /**
   * Creates a stage, in a new network namespace if this machine allows one.
   * @param options `isOrdinary`: all programs run as an ordinary user; `hasLedger`: false makes the kernel refuse the
   * ledger to each netpane
   */
  static async create({ isOrdinary = false, hasLedger = true } = {}): Promise<Stage> {
    const faults = hasLedger ? [] : ['no-ledger'];
    const folder = mkdtempSync(join(tmpdir(), 'netpane-'));
    cleanUp(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    const uid = isOrdinary ? ORDINARY_UID : (process.getuid?.() ?? 0);
    if (noNetwork !== undefined) return new Stage([], folder, statSync('/proc/self/ns/net').ino, uid, faults);
    // A shell, because starting Node for each of the dozens of stages would take 150 ms of CPU.
    const hold = 'ip link set lo up && echo ready && exec cat';
    const holder = new LineProgram(['unshare', '--net', 'sh', '-c', hold]);
    await holder.until('the network namespace', () => holder.lines.length > 0);
    const file = `/proc/${holder.pid}/ns/net`;
    const through = ['nsenter', `--net=${file}`, ...(uid === 0 ? [] : asUser(uid))];
    return new Stage(through, folder, statSync(file).ino, uid, faults);
  }

  /** Starts a `netpane watch`. It reports no events before its first poll: see `watch`. */
  start({
    args = [],
    fault = [],
    faultFile,
    isOutside = false,
    isOrdinary = false,
    isByHand = false,
    through: further = [],
  }: WatchOptions): Watcher {
    const words = [programForAll, 'watch', '--json', '--netns', String(this.netns), ...args];
    const through = isOutside ? [] : isOrdinary ? [...this.through, ...asUser(ORDINARY_UID)] : this.through;
    const faults = [...this.#faults, ...(isByHand ? ['polls-by-hand'] : []), ...fault];
    const preload = faults.length > 0 ? ['--require', FAULT] : [];
    const command = [...through, ...further, process.execPath, ...preload, ...words];
    const allowed = isByHand ? this.#newAllowedPolls() : undefined;
    const file = allowed ?? faultFile;
    return new Watcher(
      isByHand ? [...command, '--interval', '60m'] : command,
      {
        NETPANE_FAULT: faults.join(','),
        ...(file !== undefined && { NETPANE_FAULT_FILE: file }),
      },
      allowed,
    );
  }

  /** Creates the two files of fault.cjs by which a test allows polls; every user may write them. Returns the first. */
  #newAllowedPolls(): string {
    const allowed = join(this.#folder, uniqueName());
    for (const path of [allowed, `${allowed}.wanted`]) {
      writeFileSync(path, '');
      chmodSync(path, 0o666);
    }
    return allowed;
  }

  /** Starts a `netpane watch` and waits until it reports events. */
  async watch(server: Server, options: WatchOptions = {}): Promise<Watcher> {
    return this.untilItReports(this.start(options), server);
  }

  /** Opens and closes listeners until one is reported. They close too soon for a poll: only kernel events show them. */
  async untilItReports(watcher: Watcher, server: Server): Promise<Watcher> {
    for (const startMs = performance.now(); performance.now() < startMs + PATIENCE_MS;) {
      const port = await server.order('listen');
      const isReported = () =>
        watcher.events.some(({ type, socket }) => type === 'close' && socket.local.port === port);
      // It is reported at once, unless it came before the first poll was over.
      for (let i = 0; i < 20 && !isReported(); i++) await delay(20);
      if (isReported()) return watcher;
    }
    throw new Error(`netpane reports nothing after ${PATIENCE_MS} ms: ${watcher.program.stderr}`);
  }

  /** Starts a server. */
  async serve(options: ProgramOptions = {}): Promise<Server> {
    const name = uniqueName();
    const server = new Server(new LineProgram(this.#words('serve', name, options)), name);
    server.ports = (await server.answer()).ports;
    return server;
  }

  /** Runs a program of short-lived.cjs to its end. */
  async run(what: 'visit' | 'knock' | 'drop', options: ProgramOptions): Promise<ProgramResult> {
    const name = uniqueName();
    const program = new LineProgram(this.#words(what, name, options));
    const code = await withinPatience(what, program.ended);
    if (code !== 0) throw new Error(`${what} ended with ${code}: ${program.stderr}`);
    return { ...(JSON.parse(program.lines[0] ?? '') as Answer), pid: program.pid, name };
  }

  /** Makes a connection that stays open until `end` is called. */
  stay(options: ProgramOptions): Promise<ProgramResult & { end: () => Promise<unknown> }> {
    return this.#start('stay', options);
  }

  /** Sends echo requests from a socket that stays open until `end` is called. */
  echo(options: ProgramOptions): Promise<ProgramResult & { end: () => Promise<unknown> }> {
    return this.#start('echo', options);
  }

  /** Starts a program of short-lived.cjs that keeps its socket open. */
  async #start(what: 'stay' | 'echo', options: ProgramOptions) {
    const name = uniqueName();
    const program = new LineProgram(this.#words(what, name, options));
    const line = await program.until(`an answer of ${what}`, () => program.lines[0]);
    const end = () => {
      program.child.stdin?.end();
      return withinPatience('the end of the connection', program.ended);
    };
    return { ...(JSON.parse(line) as Answer), pid: program.pid, name, end };
  }

  /** Runs any other program to its end. Returns its lines. */
  async runOther(...words: string[]): Promise<string[]> {
    const program = new LineProgram([...this.through, ...words]);
    const code = await withinPatience(words[0] ?? '', program.ended);
    if (code !== 0) throw new Error(`${words[0]} ended with ${code}: ${program.stderr}`);
    return program.lines;
  }

  /** The command of a program of short-lived.cjs. Its process name, which is the file name of node, is unique. */
  #words(what: string, name: string, options: ProgramOptions): string[] {
    const node = join(this.#folder, name);
    symlinkSync(process.execPath, node);
    return [...this.through, node, SHORT_LIVED, what, JSON.stringify({ ...options, name })];
  }
}
