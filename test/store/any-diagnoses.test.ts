import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Socket, SocketState } from '../../src/model/socket.ts';
import { Diagnoses, RETRANSMITTED } from '../../src/store/diagnoses.ts';
import { PART_MS, WINDOW_MS } from '../../src/store/retransmissions.ts';
import { type Limit, WAIT_KINDS, WAIT_RULES, type WaitRule } from '../../src/store/wait-rules.ts';
import { socket } from '../helpers/fakes.ts';

describe('for any changes, the diagnoses equal a naive evaluation', () => {
  /** A naive evaluation: keeps every version of every socket and evaluates all of them in each tick. */
  class Naive {
    readonly #versions = new Map<string, { atMs: number; socket: Socket; isBaseline: boolean }[]>();
    readonly #gone: { atMs: number; before: Socket | undefined; socket: Socket }[] = [];
    readonly #open = new Set<string>();
    #lasting = new Set<string>();

    take(it: Socket, isBaseline: boolean, atMs: number): void {
      const isNew = !this.#open.has(it.id);
      const versions = isNew ? [] : (this.#versions.get(it.id) ?? []);
      if (!isBaseline || !isNew) this.#gone.push({ atMs, before: versions.at(-1)?.socket, socket: it });
      this.#versions.set(it.id, [...versions, { atMs, socket: it, isBaseline: isBaseline && isNew }]);
      this.#open.add(it.id);
    }

    drop(id: string): void {
      this.#open.delete(id);
    }

    /** Returns when the present wait of a socket started; undefined if it does not wait. */
    #waitOf(rule: WaitRule, id: string): { sinceMs: number; isAtLeast: boolean } | undefined {
      let wait: { sinceMs: number; isAtLeast: boolean; socket: Socket } | undefined;
      for (const { atMs, socket: it, isBaseline } of this.#versions.get(id) ?? []) {
        if (wait === undefined) {
          if (rule.starts(it)) wait = { sinceMs: atMs, isAtLeast: isBaseline, socket: it };
        } else if (!rule.lasts(it)) wait = undefined;
        else if (rule.restarts?.(wait.socket, it)) wait = { sinceMs: atMs, isAtLeast: false, socket: it };
        else wait = { ...wait, socket: it };
      }
      return wait;
    }

    tick(
      nowMs: number,
    ): Map<string, { count: number; amount: number; sinceMs?: number; isAtLeast?: boolean }> {
      const found = new Map<
        string,
        { count: number; amount: number; sinceMs?: number; isAtLeast?: boolean }
      >();
      for (const kind of WAIT_KINDS) {
        const rule: WaitRule = WAIT_RULES[kind];
        const groups = new Map<string, { sinceMs: number; isAtLeast: boolean; socket: Socket }[]>();
        for (const id of this.#open) {
          const wait = this.#waitOf(rule, id);
          const it = this.#versions.get(id)?.at(-1)?.socket;
          if (wait === undefined || it === undefined) continue;
          const group = rule.groupOf(it);
          groups.set(group, [...(groups.get(group) ?? []), { ...wait, socket: it }]);
        }
        for (const [group, waits] of groups) {
          const id = `${kind} ${group}`;
          const reaches = ({ sockets, forMs }: Limit) =>
            waits.filter(({ sinceMs }) => nowMs - sinceMs >= forMs).length >= sockets;
          if (!(this.#lasting.has(id) ? rule.keep : rule.on).some(reaches)) continue;
          const sinceMs = Math.min(...waits.map((it) => it.sinceMs));
          found.set(id, {
            count: waits.length,
            amount: waits.reduce((sum, it) => sum + (rule.bytesOf?.(it.socket) ?? 0), 0),
            sinceMs,
          });
        }
      }
      const programs = new Map<string, { sent: number; again: number }>();
      for (const { atMs, before, socket: it } of this.#gone) {
        const parts = Math.floor(nowMs / PART_MS) - Math.floor(atMs / PART_MS);
        const [now, then] = [it.traffic, before ? before.traffic : { txSegments: 0, retransmits: 0 }];
        if (parts >= WINDOW_MS / PART_MS || now?.txSegments === undefined) continue;
        const sent = now.txSegments - (then?.txSegments ?? now.txSegments);
        const again = (now.retransmits ?? 0) - (then?.retransmits ?? now.retransmits ?? 0);
        if (sent <= 0) continue;
        const key = it.owners[0]?.process ?? '';
        const sum = programs.get(key) ?? { sent: 0, again: 0 };
        programs.set(key, { sent: sum.sent + sent, again: sum.again + Math.max(0, again) });
      }
      for (const [program, { sent, again }] of programs) {
        const id = `retransmissions ${program}`;
        const { segments, share } = RETRANSMITTED[this.#lasting.has(id) ? 'keep' : 'on'];
        if (again > 0 && again >= segments && again >= share * sent)
          found.set(id, { count: again, amount: sent });
      }
      this.#lasting = new Set(found.keys());
      return found;
    }
  }

  const version = fc.record({
    process: fc.constantFrom('a', 'b'),
    state: fc.constantFrom<SocketState>('CLOSE_WAIT', 'ESTABLISHED', 'SYN_RECV', 'SYN_SENT', 'LISTEN'),
    retries: fc.nat(4),
    traffic: fc.record({
      rxBytes: fc.constantFrom(0, 20_000, 40_000),
      txBytes: fc.constantFrom(0, 1),
      recvQueue: fc.constantFrom(0, 5000, 20_000),
      sendQueue: fc.constantFrom(0, 5000, 20_000),
      retransmits: fc.nat(60),
      txSegments: fc.nat(600),
    }),
  });
  const steps = fc.array(
    fc.record({
      elapsedMs: fc.constantFrom(0, 400, 1000, 5000, 10_000, 31_000, 60_000),
      wanted: fc.dictionary(fc.integer({ min: 0, max: 40 }).map(String), fc.option(version, { freq: 8 }), {
        maxKeys: 40,
      }),
      isBaseline: fc.boolean(),
    }),
    { maxLength: 12 },
  );

  test('of all versions of all sockets', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [diagnoses, naive] = [new Diagnoses(), new Naive()];
        const open = new Map<string, Socket>();
        let nowMs = 0;
        for (const { elapsedMs, wanted, isBaseline } of all) {
          nowMs += elapsedMs;
          for (const [id, fields] of Object.entries(wanted)) {
            if (fields === null) {
              open.delete(id);
              diagnoses.drop(id);
              naive.drop(id);
              continue;
            }
            const { process, state, retries, traffic } = fields;
            const it: Socket = {
              ...socket({ id, process, traffic, timer: { kind: 'on', dueAtMs: 0, retransmits: retries } }),
              state,
            };
            diagnoses.take(open.get(id), it, isBaseline, nowMs);
            naive.take(it, isBaseline, nowMs);
            open.set(id, it);
          }
          diagnoses.endTick(nowMs);
          const expected = naive.tick(nowMs);
          const lasting = diagnoses.all.filter(({ isOver }) => !isOver);
          expect(new Set(lasting.map(({ id }) => id))).toEqual(new Set(expected.keys()));
          for (const it of lasting) expect(it).toMatchObject(expected.get(it.id) ?? {});
        }
      }),
      { numRuns: 300 },
    );
  });
});
