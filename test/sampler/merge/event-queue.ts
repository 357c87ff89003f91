import type { KernelEvent } from '../../../src/source/types.ts';
import type { Scene } from './scenario.ts';

/** Kernel events on their way to the event source: some are lost, and each has its delay. */
export class EventQueue {
  readonly #scene: Scene;
  #inFlight: { readonly n: number; readonly dueMs: number; readonly kernelEvent: KernelEvent }[] = [];
  #sentCount = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get isEmpty(): boolean {
    return this.#inFlight.length === 0;
  }

  /** Sends an event of a socket, whose number is `n`. */
  send(n: number, nowMs: number, kernelEvent: KernelEvent): void {
    const { delivery, losses, delays } = this.#scene;
    const isLost = delivery === 'some' && losses[this.#sentCount % losses.length];
    const delayMs = delays[this.#sentCount % delays.length] ?? 0;
    this.#sentCount++;
    if (delivery === 'nothing' || isLost || (delivery === 'ends' && kernelEvent.type !== 'ended')) return;
    const before = this.#inFlight.filter((it) => it.n === n).at(-1)?.dueMs ?? 0;
    this.#inFlight.push({ n, dueMs: Math.max(before, nowMs + delayMs), kernelEvent });
  }

  /** Sends an event that is never lost, to arrive at a given time. */
  sendAt(n: number, dueMs: number, kernelEvent: KernelEvent): void {
    this.#inFlight.push({ n, dueMs, kernelEvent });
  }

  /** Removes and returns the events that have arrived by now. */
  take(nowMs: number): readonly KernelEvent[] {
    const due = this.#inFlight.filter(({ dueMs }) => dueMs <= nowMs);
    this.#inFlight = this.#inFlight.filter(({ dueMs }) => dueMs > nowMs);
    return due.map(({ kernelEvent }) => kernelEvent);
  }
}
