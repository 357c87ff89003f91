import {
  type GapEvent,
  type LearntBy,
  previousFields,
  type SingleEvent,
  type SocketEvent,
} from '../../model/event.ts';
import type { Mutable } from '../../model/mutable.ts';
import { isNotable, type Socket } from '../../model/socket.ts';
import { toThousandths } from '../../model/thousandths.ts';
import { type Life, type Lifetime } from './life.ts';

/** The events since the last batch. `atMs` is on the monotonic clock until `take` converts it. */
export class EmittedEvents {
  #events: Mutable<SingleEvent>[] = [];

  get length(): number {
    return this.#events.length;
  }

  addGap(gap: GapEvent): void {
    this.#events.push({ ...gap });
  }

  addSpawn({ socket, changedMs, changedBy }: Life): void {
    this.#events.push({ type: 'spawn', atMs: changedMs, socket, learntBy: changedBy });
  }

  /** Adds a change event, if the change is notable. */
  addChange(
    before: Socket,
    socket: Socket,
    atMs: number,
    learntBy: LearntBy,
    { bornMs, isBaseline }: Pick<Life, 'bornMs' | 'isBaseline'>,
  ): void {
    if (!isNotable(before, socket)) return;
    this.#events.push({
      type: 'change',
      atMs,
      socket,
      learntBy,
      was: previousFields(before, socket),
      ...(bornMs !== undefined && { ageMs: Math.max(0, atMs - bornMs) }),
      ...(isBaseline && { isBaseline }),
    });
  }

  addClose({ socket, changedMs, isBaseline }: Life, learntBy: LearntBy, lifetime: Lifetime): void {
    this.#events.push({
      type: 'close',
      atMs: changedMs,
      socket,
      learntBy,
      ...lifetime,
      ...(isBaseline && { isBaseline: true }),
    });
  }

  /** Adds spawn and close of a socket that ended before anything else was learnt of it. */
  addWhole(socket: Socket, atMs: number, learntBy: LearntBy, kernelLifetime: Lifetime): void {
    const { lifetimeMs = 0, isAtLeast } = kernelLifetime;
    const close: Mutable<SocketEvent> = { type: 'close', atMs, socket, learntBy };
    if (kernelLifetime.lifetimeMs !== undefined) close.lifetimeMs = lifetimeMs;
    if (isAtLeast) close.isAtLeast = true;
    this.#events.push({ type: 'spawn', atMs: atMs - lifetimeMs, socket, learntBy }, close);
  }

  /**
   * Returns the events since the last call, in order of time.
   * @param wallOffsetMs wall-clock time minus the monotonic clock
   */
  take(wallOffsetMs: number): readonly SingleEvent[] {
    const events = this.#events;
    this.#events = [];
    events.sort((a, b) => a.atMs - b.atMs);
    // Rounded to the microsecond: conversion between the clocks adds floating-point noise.
    for (const event of events) event.atMs = toThousandths(event.atMs + wallOffsetMs);
    return events;
  }
}
