import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { AskedName } from '../model/asked-name.ts';
import { openPacketReader } from '../source/captured-packets.ts';
import { confineThread } from '../source/confine.ts';
import { NativeGate, setNativeGate } from '../source/native-gate.ts';
import type { CaptureMessage, PacketReader } from '../source/types.ts';
import { PacketNames } from './names.ts';
import { NameTable } from './table.ts';

/** Setup of the names thread. */
export interface NamesData {
  /** Shared memory of a `NativeGate`. The thread stays inside the gate until it is confined. */
  readonly gate: Int32Array;
}

/** Message from the screen's thread: a port on which a sampling thread hands over capture sockets (`CaptureMessage`). */
export interface NamesRequest {
  readonly captures: MessagePort;
}

/** Message to the screen's thread. */
export type NamesMessage =
  /** Names that changed, and the number of packets lost since the start. */
  | { readonly type: 'names'; readonly names: readonly AskedName[]; readonly lost: number }
  /** The thread reads no packets. @property why a clause */
  | { readonly type: 'failed'; readonly why: string };

/**
 * Time between the end of a drain and the next one, milliseconds. Waking up for each packet would cost more than parsing
 * it. The kernel buffers the packets that arrive meanwhile.
 */
const PAUSE_MS = 250;
/** Minimum time between two reports, milliseconds: after each one a query about names is evaluated for all rows. */
const REPORT_MS = 1000;

/*
 * Entry of the names thread. It parses packets that every host on the network can send, so it has no rights: it reads from the
 * capture sockets that the sampling thread opens, and posts names.
 *
 *     capture sockets ─▶ drain ─▶ PacketNames ─▶ NameTable ─▶ changes
 */
async function serve(port: MessagePort): Promise<void> {
  const gate = new NativeGate((workerData as NamesData).gate);
  setNativeGate(gate);
  const post = (message: NamesMessage): void => port.postMessage(message);
  try {
    const reader = await openPacketReader();
    const confined = await confineThread(undefined);
    if (confined === true) readNames(reader, port, post);
    else post({ type: 'failed', why: `the thread that parses packets cannot be confined (${confined})` });
  } catch (error) {
    post({ type: 'failed', why: error instanceof Error ? error.message : String(error) });
  } finally {
    gate.leave();
  }
}

function readNames(reader: PacketReader, port: MessagePort, post: (message: NamesMessage) => void): void {
  const packets = new PacketNames();
  const table = new NameTable();
  let lastLost = 0;
  let reportedAtMs = -Infinity;
  const drain = (): void => {
    const nowMs = performance.now();
    packets.beginTurn();
    reader.drain((packet) => {
      for (const name of packets.namesIn(packet)) table.add(name, nowMs);
    });
    const isDue = nowMs - reportedAtMs >= REPORT_MS;
    if (isDue) {
      const names = table.takeChanges(nowMs);
      const lost = reader.lost + packets.skipped;
      if (names.length > 0 || lost !== lastLost) {
        post({ type: 'names', names, lost });
        reportedAtMs = nowMs;
      }
      lastLost = lost;
    }
    // Names that are not reported yet must not wait for a packet.
    setTimeout(isDue ? wait : drain, PAUSE_MS);
  };
  const wait = (): void => reader.wait(drain);
  port.on('message', ({ captures }: NamesRequest) => acceptCaptures(captures, reader));
  wait();
}

/** Takes the capture sockets of a sampling thread, and closes them when it ends. */
function acceptCaptures(captures: MessagePort, reader: PacketReader): void {
  const open = new Set<number>();
  const remove = (descriptor: number): void => {
    open.delete(descriptor);
    reader.remove(descriptor);
  };
  captures.on('message', ({ type, descriptor }: CaptureMessage) => {
    if (type === 'ended') remove(descriptor);
    else {
      open.add(descriptor);
      reader.add(descriptor);
    }
  });
  captures.on('close', () => {
    for (const descriptor of open) remove(descriptor);
  });
}

if (parentPort) void serve(parentPort);
