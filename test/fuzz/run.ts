import { endsWithin } from '../helpers/guard.ts';
import { Random } from './random.ts';
import type { Outcome, Session, Target } from './target.ts';

/** Linear work takes some milliseconds for any input. */
const GUARD_MS = 10_000;

/** A fault, and how to see it again. */
export interface Finding {
  /** Seed of the session. */
  readonly seed: number;
  /** Number of the input in it, from 1. */
  readonly at: number;
  readonly message: string;
  readonly input: string | Uint8Array;
  /** How many times it was met. */
  count: number;
}

/** Result of fuzzing one target. */
export interface Report {
  inputs: number;
  taken: number;
  refused: number;
  /** The longest that one input took, milliseconds, and the seed of its session. */
  worst: { readonly ms: number; readonly seed: number };
  /** Different faults. */
  readonly findings: Finding[];
}

/** Describes an error with the place in the source where it came from, so that the same fault is met once. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, place = ''] = /\n +at ([^\n]*)/.exec(error.stack ?? '') ?? [];
  return `${error.message.slice(0, 300)} (${place})`;
}

/** Tries one input. @throws Error for one that is not answered in time */
async function tried(session: Session, guardMs: number): Promise<Outcome> {
  let outcome: Outcome | Promise<Outcome> = 'refused';
  if (!endsWithin(guardMs, () => void (outcome = session.next())))
    throw new Error(`no answer within ${guardMs} ms`);
  return outcome;
}

interface Options {
  /** The longest that one input may take, milliseconds. */
  readonly guardMs?: number;
  /** See `Random`. */
  readonly longOneIn?: number;
}

/**
 * Tries so many inputs on a target: a session for each seed from the first one on. A session ends with its first fault.
 */
export async function fuzz(
  target: Target,
  runs: number,
  firstSeed: number,
  { guardMs = GUARD_MS, longOneIn }: Options = {},
): Promise<Report> {
  const report: Report = { inputs: 0, taken: 0, refused: 0, worst: { ms: 0, seed: firstSeed }, findings: [] };
  for (let seed = firstSeed; report.inputs < runs; seed++) {
    const session = target.open(new Random(seed, longOneIn));
    let at = 0;
    try {
      while (at < target.inputs && report.inputs < runs) {
        at++;
        report.inputs++;
        const startedMs = performance.now();
        report[await tried(session, guardMs)]++;
        const ms = performance.now() - startedMs;
        if (ms > report.worst.ms) report.worst = { ms, seed };
      }
    } catch (error) {
      const message = described(error);
      const known = report.findings.find((it) => it.message === message);
      if (known) known.count++;
      else report.findings.push({ seed, at, message, input: session.input(), count: 1 });
    } finally {
      session.end?.();
    }
  }
  return report;
}
