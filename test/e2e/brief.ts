// The stage for tests of what happens between two looks: a network of their own where that can be had, programs in it
// whose connections are over at once (test/helpers/brief.mjs), and a `netpane watch` that tells of them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { root } from '../helpers/herd.ts';
import type { Listed } from '../helpers/ss.ts';
import { cleanUp, isRoot, uniqueName } from './netpane.ts';

/** A line of `watch --json`. */
export interface Told {
  atMs: number;
  type: 'spawn' | 'change' | 'close' | 'gap';
  socket: Listed;
  was?: { state: string };
  lifetimeMs?: number;
  isAtLeast?: boolean;
  missed?: number;
  learntBy: 'poll' | 'destroy' | 'trace';
}

/** No wait of these tests takes longer, milliseconds. */
const PATIENCE_MS = 30_000;

/** An ordinary user: nobody in particular where we are root, otherwise the one who runs the tests. */
const NOBODY = 65_534;
export const ORDINARY_UID = isRoot ? NOBODY : (process.getuid?.() ?? NOBODY);

/** See probe.ts. */
export const noNetwork = inject('noNetwork');

/** `text` until it is there, or the bound is passed. */
function soon<T>(what: string, promise: Promise<T>, state: () => string = () => ''): Promise<T> {
  let impatience: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    impatience = setTimeout(
      () => reject(new Error(`${what}: not within ${PATIENCE_MS} ms\n${state()}`)),
      PATIENCE_MS,
    );
  });
  return Promise.race([promise, bound]).finally(() => clearTimeout(impatience));
}

/** A program that says in lines what it has to say. */
class Speaker {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  stderr = '';
  /** Exit code, or the signal that ended it, when all of its output is there. */
  readonly ended: Promise<number | string | null>;
  readonly #looks = new Set<() => void>();

  constructor(words: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(words[0] ?? '', words.slice(1), {
      stdio: 'pipe',
      cwd: '/',
      env: { ...process.env, TZ: 'UTC', ...env },
    });
    cleanUp(() => this.child.kill('SIGKILL'));
    let rest = '';
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
      for (const look of this.#looks) look();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const look of this.#looks) look();
    });
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | string | null,
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The answer, once there is one; asked again whenever something is said, and when it has ended. */
  until<T>(what: string, ask: () => T | undefined | false): Promise<T> {
    let look = () => {};
    const answered = new Promise<T>((resolve) => {
      look = () => {
        const answer = ask();
        if (answer !== undefined && answer !== false) resolve(answer);
      };
      this.#looks.add(look);
      look();
    });
    const state = () => [...this.lines.slice(-5).map((line) => line.slice(0, 500)), this.stderr].join('\n');
    const over = this.ended.then((how) => {
      look();
      // Where that was the answer, it has come by now.
      return Promise.reject(new Error(`${what}: the program ended with ${how}\n${state()}`));
    });
    return soon(what, Promise.race([answered, over]), state).finally(() => this.#looks.delete(look));
  }
}

/** What a program of brief.mjs is told; see there. */
interface Order {
  host?: string;
  hosts?: readonly string[];
  port?: number;
  count?: number;
  endings?: string;
  noise?: number;
}

interface Answer {
  ports: number[];
  error?: string;
}

/** A program of brief.mjs that has done what it had to. */
export interface Done extends Answer {
  pid: number;
  name: string;
}

/** A program that serves; see brief.mjs. */
export class Server {
  readonly #speaker: Speaker;
  readonly name: string;
  /** One for each host. */
  ports: number[] = [];

  constructor(speaker: Speaker, name: string) {
    this.#speaker = speaker;
    this.name = name;
  }

  get pid(): number {
    return this.#speaker.pid;
  }

  /** Its port on the first host. */
  get port(): number {
    return this.ports[0] ?? 0;
  }

  async answer(): Promise<Answer> {
    const line = await this.#speaker.until('an answer of the server', () => this.#speaker.lines.shift());
    return JSON.parse(line) as Answer;
  }

  /** @returns the port of what it opened */
  async order(order: 'mark' | 'listen' | 'refuse'): Promise<number> {
    this.#speaker.child.stdin?.write(`${order}\n`);
    const { ports } = await this.answer();
    return ports[0] ?? 0;
  }
}

/** A `netpane watch --json`. */
export class Watcher {
  readonly speaker: Speaker;
  readonly #told: Told[] = [];
  /** Where the test allows polls; undefined where they come at an interval. */
  readonly #ticks: string | undefined;

  constructor(words: readonly string[], env?: Record<string, string>, ticks?: string) {
    this.speaker = new Speaker(words, env);
    this.#ticks = ticks;
  }

  /** Everything told until now. */
  get told(): readonly Told[] {
    const { lines } = this.speaker;
    for (const line of lines.slice(this.#told.length)) this.#told.push(JSON.parse(line) as Told);
    return this.#told;
  }

  get gaps(): readonly Told[] {
    return this.told.filter(({ type }) => type === 'gap');
  }

  /** What has been told of all sockets, each by its ports: `54321→8080`. */
  bySocket(isWanted: (socket: Listed) => boolean = () => true): Map<string, Told[]> {
    const all = new Map<string, Told[]>();
    for (const event of this.told) {
      if (event.type === 'gap' || !isWanted(event.socket)) continue;
      const { local, remote } = event.socket;
      const key = `${local.port}→${remote?.port ?? '*'}`;
      const known = all.get(key);
      if (known) known.push(event);
      else all.set(key, [event]);
    }
    return all;
  }

  /** Waits for something to be told. */
  until<T>(what: string, ask: (told: readonly Told[]) => T | undefined | false): Promise<T> {
    return this.speaker.until(what, () => ask(this.told));
  }

  /** Waits until so many closes have been told of connections with a port. */
  async closes(count: number, port: number): Promise<void> {
    let [seen, looked] = [0, 0];
    await this.until(`${count} closes`, (told) => {
      for (const { type, socket } of told.slice(looked))
        if (type === 'close' && (socket.local.port === port || socket.remote?.port === port)) seen++;
      looked = told.length;
      return seen >= count;
    });
  }

  /** Waits until netpane has looked, later than now: what is left of what is over by now it has seen then. */
  async look(server: Server): Promise<void> {
    const port = await server.order('mark');
    if (this.#ticks !== undefined) appendFileSync(this.#ticks, '.');
    await this.until('another look', (told) =>
      told.some(
        ({ type, socket }) => type === 'spawn' && socket.protocol === 'udp' && socket.local.port === port,
      ),
    );
  }
}

/** How netpane watches. */
interface WatchOptions {
  args?: readonly string[];
  /** Options of node. */
  nodeArgs?: readonly string[];
  env?: Record<string, string>;
  /** From outside, where root sees all networks. */
  isOutside?: boolean;
  /** As an ordinary user, where all others are root's. */
  isOrdinary?: boolean;
  /** Polls, after the first one, only when `look` asks for one. */
  isByHand?: boolean;
}

const asUser = (uid: number): string[] => ['-S', String(uid), '-G', String(uid)];

/** Where it all happens. */
export class Stage {
  /** Words that bring a program there. */
  readonly through: readonly string[];
  /** A copy of the program, and of those that this needs, which every user may read. */
  readonly #folder: string;
  /** Inode of its network namespace. */
  readonly netns: number;
  readonly uid: number;

  private constructor(through: readonly string[], folder: string, netns: number, uid: number) {
    this.through = through;
    this.#folder = folder;
    this.netns = netns;
    this.uid = uid;
  }

  /**
   * Sets it up, in a network namespace of its own where that can be had.
   * @param isOrdinary all of it runs as an ordinary user
   */
  static async set({ isOrdinary = false } = {}): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'netpane-'));
    cleanUp(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    // The packages that `watch` needs.
    const packages = ['koffi', '@koromix'].map((name) => `node_modules/${name}`);
    for (const part of ['dist', 'package.json', BRIEF, FAULT, ...packages])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    const uid = isOrdinary ? ORDINARY_UID : (process.getuid?.() ?? 0);
    if (noNetwork !== undefined) return new Stage([], folder, statSync('/proc/self/ns/net').ino, uid);
    const holder = new Speaker(['unshare', '--net', process.execPath, join(folder, BRIEF), 'hold']);
    await holder.until('a network', () => holder.lines.length > 0);
    const file = `/proc/${holder.pid}/ns/net`;
    const through = ['nsenter', `--net=${file}`, ...(uid === 0 ? [] : asUser(uid))];
    return new Stage(through, folder, statSync(file).ino, uid);
  }

  /** Starts a `netpane watch` there. From when on it watches is not known: see `watch`. */
  start({
    args = [],
    nodeArgs = [],
    env = {},
    isOutside = false,
    isOrdinary = false,
    isByHand = false,
  }: WatchOptions): Watcher {
    const file = join(this.#folder, 'dist', 'netpane.js');
    const words = [file, 'watch', '--json', '--netns', String(this.netns), ...args];
    const through = isOutside ? [] : isOrdinary ? [...this.through, ...asUser(ORDINARY_UID)] : this.through;
    if (!isByHand) return new Watcher([...through, process.execPath, ...nodeArgs, ...words], env);
    const ticks = join(this.#folder, uniqueName());
    for (const path of [ticks, `${ticks}.wanted`]) {
      writeFileSync(path, '');
      chmodSync(path, 0o666);
    }
    return new Watcher(
      [
        ...through,
        process.execPath,
        ...['--import', join(this.#folder, FAULT)],
        ...nodeArgs,
        ...words,
        ...['--interval', '60m'],
      ],
      { NETPANE_FAULT: 'ticks', NETPANE_TICKS: ticks, ...env },
      ticks,
    );
  }

  /** The same, when it has had its first look: what happens from now on are events. */
  async watch(server: Server, options: WatchOptions = {}): Promise<Watcher> {
    return this.#awake(this.start(options), server);
  }

  /** A listener comes and goes, which only events tell, again and again until one is told. */
  async #awake(watcher: Watcher, server: Server): Promise<Watcher> {
    for (const startMs = performance.now(); performance.now() < startMs + PATIENCE_MS;) {
      const port = await server.order('listen');
      const isTold = () =>
        watcher.told.some(({ type, socket }) => type === 'close' && socket.local.port === port);
      // It is told at once, or it came before the first look was over.
      for (let i = 0; i < 20 && !isTold(); i++) await delay(20);
      if (isTold()) return watcher;
    }
    throw new Error(`netpane is not awake after ${PATIENCE_MS} ms: ${watcher.speaker.stderr}`);
  }

  /** Starts a program that serves. */
  async serve(order: Order = {}): Promise<Server> {
    const name = uniqueName();
    const server = new Server(new Speaker(this.#words('serve', name, order)), name);
    server.ports = (await server.answer()).ports;
    return server;
  }

  /** Runs a program to its end. */
  async run(what: 'visit' | 'knock' | 'drop', order: Order): Promise<Done> {
    const name = uniqueName();
    const speaker = new Speaker(this.#words(what, name, order));
    const code = await soon(what, speaker.ended);
    if (code !== 0) throw new Error(`${what} ended with ${code}: ${speaker.stderr}`);
    return { ...(JSON.parse(speaker.lines[0] ?? '') as Answer), pid: speaker.pid, name };
  }

  /** Makes a connection that stays until `end` is called. */
  async stay(order: Order): Promise<Done & { end: () => Promise<unknown> }> {
    const name = uniqueName();
    const speaker = new Speaker(this.#words('stay', name, order));
    const line = await speaker.until('a connection', () => speaker.lines[0]);
    const end = () => {
      speaker.child.stdin?.end();
      return soon('its end', speaker.ended);
    };
    return { ...(JSON.parse(line) as Answer), pid: speaker.pid, name, end };
  }

  /** Runs any other program to its end. @returns what it said */
  async runOther(...words: string[]): Promise<string[]> {
    const speaker = new Speaker([...this.through, ...words]);
    const code = await soon(words[0] ?? '', speaker.ended);
    if (code !== 0) throw new Error(`${words[0]} ended with ${code}: ${speaker.stderr}`);
    return speaker.lines;
  }

  /** A program of brief.mjs under a name that nothing else has: that of the file that is run. */
  #words(what: string, name: string, order: Order): string[] {
    const node = join(this.#folder, name);
    symlinkSync(process.execPath, node);
    return [...this.through, node, join(this.#folder, BRIEF), what, JSON.stringify({ ...order, name })];
  }
}

const BRIEF = join('test', 'helpers', 'brief.mjs');
const FAULT = join('test', 'helpers', 'fault.mjs');
