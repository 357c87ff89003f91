import { EventRing } from '../../../src/source/windows/etw/ring.ts';
import { TraceEvents } from '../../../src/source/windows/etw/events.ts';
import { EVENT_ID } from '../../../src/source/windows/etw/layout.ts';
import { eventBytes, readRecord } from '../../helpers/etw.ts';
import { checkSockets } from '../checks.ts';
import { mutatedBytes } from '../mutate.ts';
import type { Target } from '../target.ts';

const KINDS = Object.keys(EVENT_ID) as (keyof typeof EVENT_ID)[];
const EVENTS = KINDS.flatMap((kind) => [
  eventBytes({ kind, local: '192.0.2.1:5', remote: '198.51.100.7:443', pid: 7, size: 9 }),
  eventBytes({ kind, local: '[fe80::1]:5', remote: '[fe80::2]:443', pid: 7, size: 9 }),
]);

export const etw: Target = {
  about: 'records of events of Windows: their reader, and the connections made of them',
  inputsPerSession: 1000,
  suiteRuns: 5000,
  open: (random) => {
    const ring = new EventRing();
    const events = new TraceEvents({
      session: {
        ring,
        failure: undefined,
        takeLosses: () => ({ events: 0, buffers: 0 }),
        flush: () => {},
        close: () => {},
      },
      nowMs: () => 0,
      wallMs: () => 0,
      interfaceOf: () => undefined,
      ownerOf: (pid) => ({ knowledge: 'gone', pid }),
    });
    let input: Uint8Array = new Uint8Array();
    return {
      input: () => input,
      next: () => {
        const event = random.of(EVENTS);
        input = mutatedBytes(random, event.header).slice(0, event.header.length);
        // Windows writes the whole structure.
        const header = new Uint8Array(event.header.length);
        header.set(input);
        const payload = mutatedBytes(random, event.payload);
        new DataView(header.buffer).setUint16(86, Math.min(payload.length, 0xffff), true);
        // Throws if more than the payload is read.
        readRecord(ring, { header, payload });
        const lost = ring.takeLost();
        events.applyPoll({ changed: [], ended: [], startMs: Infinity }, () => {});
        const sockets = events.drain().flatMap((it) => (it.type === 'ended' ? [it.socket] : []));
        checkSockets(sockets);
        return lost === 0 ? 'accepted' : 'refused';
      },
    };
  },
};
