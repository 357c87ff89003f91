import { parentPort, workerData } from 'node:worker_threads';
import { Progress } from '../model/progress.ts';

/** Data that the thread of the command is started with. */
export interface CommandData {
  readonly isCommand: true;
  /** Words of a `Progress`. */
  readonly progress: Int32Array;
}

/** A message from the keeper to the thread of the command. */
export type KeeperMessage =
  /** End in order, with this exit code. */
  | { readonly type: 'end'; readonly code: number }
  /** Bytes that the terminal sent. */
  | { readonly type: 'input'; readonly data: Uint8Array }
  | { readonly type: 'size'; readonly columns: number; readonly rows: number }
  /** The process is to be stopped: give the screen back and answer `suspended`. */
  | { readonly type: 'suspend' }
  /** The process was continued, and the terminal is raw again. */
  | { readonly type: 'resume' }
  /** Answer `alive`. */
  | { readonly type: 'ping' };

/** A message from the thread of the command to the keeper. */
export type CommandMessage =
  | { readonly type: 'alive' }
  | { readonly type: 'raw'; readonly on: boolean }
  | { readonly type: 'suspended' }
  /** The terminal does not take what is written. */
  | { readonly type: 'hangup' }
  /** It is ending in order, which may take so long, milliseconds. */
  | { readonly type: 'ending'; readonly patienceMs: number }
  /** It has done all that is to be done; these lines go to stderr when the terminal is as it was. */
  | { readonly type: 'ended'; readonly code: number; readonly lines: readonly string[] };

/** The keeper, seen from the thread of the command. */
export interface Link {
  /** The sampler of the command notes its work here, and the keeper reports it. */
  readonly progress: Progress;
  on<Type extends KeeperMessage['type']>(
    type: Type,
    listener: (message: Extract<KeeperMessage, { type: Type }>) => void,
  ): void;
  post(message: CommandMessage): void;
}

/** Ends the program: the lines are on stderr, after the terminal is as it was. Returns never. */
export function finish(link: Link, code: number, lines: readonly string[] = []): never {
  link.post({ type: 'ended', code, lines });
  // Ends this thread only, and its own threads with it; the keeper waits for that.
  return process.exit(code);
}

/** True in the thread of the command. */
export const isCommandThread = (): boolean => (workerData as Partial<CommandData> | null)?.isCommand === true;

/** The link to the keeper. @throws Error outside the thread of the command */
export function openLink(): Link {
  const port = parentPort;
  if (port === null || !isCommandThread()) throw new Error('this is not the thread of a command');
  const listeners = new Map<string, ((message: never) => void)[]>();
  // Messages without a listener wait for one.
  const early: KeeperMessage[] = [];
  const deliver = (message: KeeperMessage) => {
    const heard = listeners.get(message.type);
    if (heard === undefined) early.push(message);
    else for (const listener of heard) listener(message as never);
  };
  port.on('message', (message: KeeperMessage) => {
    if (message.type === 'ping') port.postMessage({ type: 'alive' } satisfies CommandMessage);
    else deliver(message);
  });
  return {
    progress: new Progress((workerData as CommandData).progress),
    on: (type, listener) => {
      listeners.set(type, [...(listeners.get(type) ?? []), listener]);
      for (const message of early.splice(0)) deliver(message);
    },
    post: (message) => port.postMessage(message),
  };
}
