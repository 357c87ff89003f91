import { diff } from '../../../src/sampler/diff.ts';
import { Merger } from '../../../src/sampler/merge/merger.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { byId, NOON_MS, socket } from '../../helpers/fakes.ts';

/** A merger to which a test applies polls and kernel events; its output is returned as text. */
export function setUp({ hasEventSource = true, emitsEveryChange = true, hasRemnants = true } = {}) {
  const merger = new Merger({ hasEventSource, emitsEveryChange, hasRemnants });
  let previous: ReadonlyMap<string, Socket> = new Map();
  const take = (): readonly string[] => {
    const { spawned, changed, closed, events } = merger.take();
    return [
      ...spawned.map(({ id, state }) => `+ ${id} ${state}`),
      ...changed.map(({ id, state }) => `~ ${id} ${state}`),
      ...closed.map((id) => `- ${id}`),
      ...events.map((it) =>
        it.type === 'gap' || it.type === 'sum'
          ? it.type
          : `${it.type} ${it.socket.id} ${it.atMs - NOON_MS} ${it.learntBy}`,
      ),
    ];
  };
  const applyEvents = (nowMs: number, ...kernelEvents: readonly KernelEvent[]) => {
    merger.applyKernelEvents(kernelEvents, { wallMs: NOON_MS + nowMs, monotonicMs: nowMs });
  };
  const poll = (startMs: number, ...sockets: readonly Socket[]): readonly string[] => {
    const next = byId(sockets);
    const start = { wallMs: NOON_MS + startMs, monotonicMs: startMs };
    merger.applyPoll(diff(previous, next), next, start, startMs + 5);
    previous = next;
    return take();
  };
  return { merger, applyEvents, poll, take };
}

/** The socket of most tests. */
export const a = socket({ id: 'a' });
/** Returns the kernel event that a socket has ended. */
export const atEnd = (atMs: number, it = a): KernelEvent => ({
  type: 'ended',
  atMs,
  socket: it,
  learntBy: 'destroy',
});

/** Returns the events among the texts of `setUp`. */
export const eventsOf = (texts: readonly string[]): string[] =>
  texts.filter((it) => /^(spawn|change|close) /.test(it));

/** The remnant of a connection. */
export const remnant = socket({ id: 'r', state: 'TIME_WAIT', netns: { inode: 4026531833 } });
