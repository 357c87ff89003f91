import { workerData } from 'node:worker_threads';
import type { ConsumerData } from '../../consumer-thread.ts';
import { type Koffi, loadKoffi } from '../../koffi.ts';
import { type Call, loaderOf, wideText } from '../native-library.ts';
import { TRACE_ERROR } from './calls.ts';
import { LOG_FILE, PROCESS_TRACE_MODE_EVENT_RECORD, PROCESS_TRACE_MODE_REAL_TIME } from './layout.ts';
import { RecordReader } from './records.ts';
import { EventRing } from './ring.ts';

/** INVALID_PROCESSTRACE_HANDLE */
const INVALID_HANDLE = 2n ** 64n - 1n;

/*
 * Entry of the consumer thread, which reads the events of a session of Event Tracing for Windows (ETW). It stays inside
 * ProcessTrace, which calls back with each event, and returns when the session is stopped: nothing else can end this thread.
 * ProcessTrace calls back on the thread that called it. From any other thread koffi would have to hand over each call to the
 * thread of JavaScript.
 */
function consume(koffi: Koffi, { name, library }: ConsumerData, ring: EventRing): number {
  const trace = loaderOf(koffi, library);
  const open = trace('uint64 OpenTraceW(void *)') as (logFile: Uint8Array) => number | bigint;
  const process: Call = trace('uint32 ProcessTrace(void *, uint32, void *, void *)');
  const close: Call = trace('uint32 CloseTrace(uint64)');
  const move: Call = loaderOf(koffi, 'ntdll')('void RtlMoveMemory(void *, intptr, size_t)');
  const reader = new RecordReader(ring, (into, address, bytes) => void move(into, address, bytes));
  const callback = koffi.register(
    reader.read,
    koffi.pointer(koffi.proto('void EventRecordCallback(intptr record)')),
  );
  const text = wideText(name);
  const logFile = new Uint8Array(LOG_FILE.size);
  const view = new DataView(logFile.buffer);
  view.setBigUint64(LOG_FILE.name, koffi.address(text), true);
  view.setUint32(LOG_FILE.mode, PROCESS_TRACE_MODE_REAL_TIME | PROCESS_TRACE_MODE_EVENT_RECORD, true);
  view.setBigUint64(LOG_FILE.callback, callback, true);
  const handle = BigInt(open(logFile));
  if (handle === INVALID_HANDLE) return TRACE_ERROR.notFound;
  const error = process(BigUint64Array.of(handle), 1, null, null);
  close(handle);
  // `logFile` has the address of `text`: a use after the trace keeps `text` from being garbage-collected before.
  text.fill(0);
  return error;
}

async function serve(data: ConsumerData): Promise<void> {
  const ring = new EventRing(data.memory);
  try {
    ring.end(await loadKoffi((koffi) => consume(koffi, data, ring)));
  } catch {
    ring.end(TRACE_ERROR.internal);
  }
}

void serve(workerData as ConsumerData);
