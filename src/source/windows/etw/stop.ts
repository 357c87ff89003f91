import { createRequire } from 'node:module';
import type { Koffi } from '../../koffi.ts';
import type { SessionLeftovers } from '../../types.ts';
import { NativeTrace } from './native-trace.ts';
import { EventRing } from './ring.ts';
import { stopSession } from './session.ts';

/**
 * Stops a session of events at the end of the program, from any thread. Until the session stops, its consumer thread is
 * inside a call of Windows, and the end of the program would wait for it. Throws if koffi cannot be loaded.
 */
export function stopLeftSession({ session, ring }: SessionLeftovers): void {
  // require() instead of import(): at the end of the program nothing asynchronous runs.
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  stopSession(new NativeTrace(koffi), session, new EventRing(ring));
}
