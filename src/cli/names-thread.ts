import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { AskedName } from '../model/asked-name.ts';
import type { Degradation } from '../model/batch.ts';
import { counted } from '../model/text.ts';
import type { NamesData, NamesMessage, NamesRequest } from '../names/worker.ts';
import { NativeGate } from '../source/native-gate.ts';

/** Old generation of V8 in the names thread, MB: its tables need some ten. */
const OLD_MB = 64;
/** Young generation and machine code, MB, as in the sampling thread. */
const YOUNG_MB = 8;
const CODE_MB = 16;
/** Maximum time that the end of the program waits for the start of the thread. */
const STEP_MS = 2000;

/** The thread that reads names from captured packets. */
export interface NamesThread {
  /**
   * Returns a port on which a sampling thread hands over capture sockets. The names thread closes the sockets when the
   * port is closed. The port is closed from the start if the names thread has ended or cannot read packets.
   */
  connect(): MessagePort;
  /** Sets the listener for names; it receives them from the first on. */
  onNames(listener: (names: readonly AskedName[]) => void): void;
  /** Returns notices about names that are not seen. */
  notices(): readonly Degradation[];
  /** Waits until the thread can be ended. Call it when the program ends. */
  end(): void;
}

const failed = (why: string): Degradation => ({
  code: 'names-failed',
  text: `names that programs ask for are not seen: ${why}`,
  short: 'no names',
});

const lostPackets = (count: number): Degradation => ({
  code: 'names-lost',
  text: `${counted(count, 'packet')} with names lost: more came at once than netpane could read`,
  short: `${counted(count, 'name')} lost`,
});

/** Starts the names thread. */
export function startNames(file: URL): NamesThread {
  const gateWords = NativeGate.sharedWords();
  const gate = new NativeGate(gateWords);
  // This thread enters on behalf of the new one, which leaves when it is confined.
  gate.enter();
  const workerData: NamesData = { gate: gateWords };
  const worker = new Worker(file, {
    workerData,
    resourceLimits: {
      maxOldGenerationSizeMb: OLD_MB,
      maxYoungGenerationSizeMb: YOUNG_MB,
      codeRangeSizeMb: CODE_MB,
    },
  });
  let waiting: AskedName[] = [];
  let take = (names: readonly AskedName[]): void => void waiting.push(...names);
  let failure: string | undefined;
  let lost = 0;
  worker.on('message', (message: NamesMessage) => {
    if (message.type === 'failed') failure = message.why;
    else {
      ({ lost } = message);
      take(message.names);
    }
  });
  worker.on('error', (error) => {
    failure ??= `the thread that parses packets failed (${error instanceof Error ? error.message : String(error)})`;
  });
  worker.on('exit', () => {
    failure ??= 'the thread that parses packets ended';
    gate.noteEnd();
  });
  return {
    connect: () => {
      const { port1, port2 } = new MessageChannel();
      // A thread that has ended would leave the port open, and nothing would close the capture sockets.
      if (failure === undefined) worker.postMessage({ captures: port1 } satisfies NamesRequest, [port1]);
      else port1.close();
      return port2;
    },
    onNames: (listener) => {
      take = listener;
      if (waiting.length > 0) listener(waiting);
      waiting = [];
    },
    notices: () => [
      ...(failure === undefined ? [] : [failed(failure)]),
      ...(lost > 0 ? [lostPackets(lost)] : []),
    ],
    end: () => gate.close(STEP_MS),
  };
}
