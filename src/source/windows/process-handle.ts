import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../../model/process.ts';
import type { ProcessHandle } from '../types.ts';
import type { EndingApi } from './api.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import { millisecondsOf } from './layout.ts';
import { LIST_BYTES, listProcesses, SYSTEM_PID } from './processes.ts';

/** Start times of one process from different sources differ by at most this, milliseconds: some have whole seconds. */
const SAME_START_MS = 3000;

/** Signals that end a process. Windows has no others, and no way to ask a process of another console to end. */
const ENDING: ReadonlySet<SignalName> = new Set(['TERM', 'KILL']);

interface Listed {
  /** FILETIME of the start. */
  readonly created: number;
  readonly name: string;
  /** Number of child processes. */
  readonly children: number;
}

/**
 * Opens a process in order to end it.
 * @throws Error with a message for the user if it has ended, another process has its pid, or Windows does not allow it
 */
export function openWindowsProcess(
  { pid, startedAtMs }: ProcessTarget,
  api: EndingApi,
  ownPid: number,
): ProcessHandle {
  if (pid === 0 || pid === SYSTEM_PID)
    throw new Error(`process ${pid} is Windows itself: it cannot be ended`);
  const listed = findProcess(api, pid);
  if (listed === undefined) throw new Error(endedText(pid));
  const { created, name, children } = listed;
  const reused = `process ${pid} has ended, and another one has its pid now: nothing was sent`;
  if (startedAtMs !== undefined && Math.abs((millisecondsOf(created) ?? 0) - startedAtMs) > SAME_START_MS)
    throw new Error(reused);
  const handle = api.openForEnd(pid);
  if (handle === 0)
    throw new Error(
      `Windows does not let netpane end process ${pid} (${name})` +
        (api.isElevated ? '' : ': run netpane as administrator'),
    );
  const problem =
    api.createdOf(handle) !== created
      ? reused
      : api.isCritical(handle)
        ? `Windows stops if process ${pid} (${name}) ends: netpane does not end it`
        : undefined;
  if (problem !== undefined) {
    api.closeHandle(handle);
    throw new Error(problem);
  }
  const user = api.identify(pid)?.user;
  const facts: ProcessFacts = {
    pid,
    name,
    children,
    ...(user !== undefined && { user }),
    ...(pid === ownPid && { guard: 'netpane' }),
  };
  return new WindowsProcess(facts, handle, api);
}

const endedText = (pid: number): string => `process ${pid} has ended`;

/** Returns the facts of a process in the process list; undefined if it has ended. */
function findProcess(api: EndingApi, pid: number): Listed | undefined {
  let found: Omit<Listed, 'children'> | undefined;
  const childrenCreated: number[] = [];
  listProcesses(api, new GrowingBuffer(LIST_BYTES), (it, created, name, parent) => {
    if (it === pid) found = { created, name: name() ?? String(pid) };
    else if (parent === pid) childrenCreated.push(created);
  });
  if (found === undefined) return undefined;
  const { created } = found;
  // The parent of an older process was another one, which had this pid before.
  return { ...found, children: childrenCreated.filter((it) => it >= created).length };
}

class WindowsProcess implements ProcessHandle {
  readonly facts: ProcessFacts;
  readonly #api: EndingApi;
  /** Undefined once it is closed. */
  #handle: number | undefined;

  constructor(facts: ProcessFacts, handle: number, api: EndingApi) {
    this.facts = facts;
    this.#handle = handle;
    this.#api = api;
  }

  get hasEnded(): boolean {
    return this.#handle === undefined || this.#api.hasEnded(this.#handle);
  }

  signal(name: SignalName, scope: Scope): SignalResult {
    if (scope !== 'process') return { reached: 0 };
    if (this.#handle === undefined || this.hasEnded)
      return { reached: 0, refused: endedText(this.facts.pid) };
    if (!ENDING.has(name))
      return { reached: 0, refused: `Windows has no signal ${name}: TERM and KILL end a process at once` };
    return this.#api.terminate(this.#handle) ? { reached: 1 } : { reached: 0, refused: 'Windows refuses it' };
  }

  close(): void {
    if (this.#handle !== undefined) this.#api.closeHandle(this.#handle);
    this.#handle = undefined;
  }
}
