import { parentPort, workerData } from 'node:worker_threads';
import { Progress } from '../model/progress.ts';

/** Start data of the command thread. */
export interface CommandData {
  readonly isCommand: true;
  /** Shared words of a `Progress`. */
  readonly progress: Int32Array;
}

/** A message from the keeper to the command thread. */
export type KeeperMessage =
  /** Clean up and end with this exit code. */
  | { readonly type: 'end'; readonly code: number }
  /** Bytes from the terminal. */
  | { readonly type: 'input'; readonly data: Uint8Array }
  | { readonly type: 'size'; readonly columns: number; readonly rows: number }
  /** The process is about to stop: restore the screen and answer `suspended`. */
  | { readonly type: 'suspend' }
  /** The process was continued, and the terminal is in raw mode again. */
  | { readonly type: 'resume' }
  /** Answer `alive`. */
  | { readonly type: 'ping' };

/** A message from the command thread to the keeper. */
export type CommandMessage =
  | { readonly type: 'alive' }
  | { readonly type: 'raw'; readonly on: boolean }
  | { readonly type: 'suspended' }
  /** The terminal accepts no output. */
  | { readonly type: 'hangup' }
  /** The command is cleaning up, which takes at most this time, milliseconds. */
  | { readonly type: 'ending'; readonly maxMs: number }
  /** The command has finished. The keeper restores the terminal and prints these lines to stderr. */
  | { readonly type: 'ended'; readonly code: number; readonly lines: readonly string[] };

/** Connection from the command thread to the keeper. */
export interface Link {
  /** The sampler notes its current work here, and the keeper reports it. */
  readonly progress: Progress;
  on<Type extends KeeperMessage['type']>(
    type: Type,
    listener: (message: Extract<KeeperMessage, { type: Type }>) => void,
  ): void;
  post(message: CommandMessage): void;
}

/** Ends the program. The keeper restores the terminal and then prints the lines to stderr. Never returns. */
export function finish(link: Link, code: number, lines: readonly string[] = []): never {
  link.post({ type: 'ended', code, lines });
  // In a worker this ends only the thread and its own threads; the keeper waits for it.
  return process.exit(code);
}

/** Returns true in the command thread. */
export const isCommandThread = (): boolean => (workerData as Partial<CommandData> | null)?.isCommand === true;

/** Opens the link to the keeper. @throws Error outside the command thread */
export function openLink(): Link {
  const port = parentPort;
  if (port === null || !isCommandThread()) throw new Error('this is not the command thread');
  const listeners = new Map<string, ((message: never) => void)[]>();
  // Messages without a listener wait until one is added.
  const early: KeeperMessage[] = [];
  const deliver = (message: KeeperMessage) => {
    const added = listeners.get(message.type);
    if (added === undefined) early.push(message);
    else for (const listener of added) listener(message as never);
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
