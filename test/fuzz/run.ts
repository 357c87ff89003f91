import { endsWithin } from '../helpers/guard.ts';
import { Random } from './random.ts';
import type { Outcome, Session, Target } from './target.ts';

/** Maximum time of one input, milliseconds, `RENEW_GUARD_MS` more or less: linear code takes a few for any of them. */
const GUARD_MS = 10_000;

/** A fault, and how to reproduce it. */
export interface Finding {
  /** Seed of the session. */
  readonly seed: number;
  /** Number of the input in the session, from 1. */
  readonly inputNumber: number;
  readonly message: string;
  readonly input: string | Uint8Array;
  /** How often it occurred. */
  count: number;
}

/** Result of fuzzing one target. */
export interface Report {
  inputs: number;
  accepted: number;
  refused: number;
  /** Time of the slowest input, milliseconds, and the seed of its session. */
  slowest: { readonly ms: number; readonly seed: number };
  /** Distinct faults. */
  readonly findings: Finding[];
}

/** Returns a description of an error with its place in the source, so that the same fault is reported once. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, place = ''] = /\n +at ([^\n]*)/.exec(error.stack ?? '') ?? [];
  return `${error.message.slice(0, 300)} (${place})`;
}

/** Time after which a new guard begins, milliseconds: each guard starts a thread, which takes longer than most inputs. */
const RENEW_GUARD_MS = 20;

interface Options {
  /** Maximum time of one input, milliseconds. */
  readonly guardMs?: number;
  /** See `Random`. */
  readonly longOneIn?: number;
}

/**
 * Tries `runs` inputs on a target, in one session per seed from `firstSeed` on. A session ends with its first fault.
 */
export async function fuzz(
  target: Target,
  runs: number,
  firstSeed: number,
  { guardMs = GUARD_MS, longOneIn }: Options = {},
): Promise<Report> {
  const report: Report = {
    inputs: 0,
    accepted: 0,
    refused: 0,
    slowest: { ms: 0, seed: firstSeed },
    findings: [],
  };
  let seed = firstSeed;
  let session: Session | undefined;
  let inputNumber = 0;
  let startedMs = 0;
  const endSession = () => {
    const ended = session;
    session = undefined;
    inputNumber = 0;
    seed++;
    ended?.end?.();
  };
  const count = (outcome: Outcome) => {
    report[outcome]++;
    const ms = performance.now() - startedMs;
    if (ms > report.slowest.ms) report.slowest = { ms, seed };
    if (inputNumber >= target.inputsPerSession) endSession();
  };
  /** Tries inputs for the time of a guard. Returns early with the outcome of the first that takes turns of the event loop. */
  const tryInputs = (): Promise<Outcome> | undefined => {
    const renewMs = performance.now() + RENEW_GUARD_MS;
    do {
      session ??= target.open(new Random(seed, longOneIn));
      startedMs = performance.now();
      inputNumber++;
      report.inputs++;
      const outcome = session.next();
      if (typeof outcome !== 'string') return outcome;
      count(outcome);
    } while (report.inputs < runs && performance.now() < renewMs);
    return undefined;
  };
  while (report.inputs < runs) {
    try {
      let waiting: Promise<Outcome> | undefined;
      if (!endsWithin(guardMs, () => void (waiting = tryInputs())))
        throw new Error(`no answer within ${guardMs} ms`);
      if (waiting) count(await waiting);
    } catch (error) {
      if (session === undefined) throw error;
      const message = describeError(error);
      const known = report.findings.find((it) => it.message === message);
      if (known) known.count++;
      else report.findings.push({ seed, inputNumber, message, input: session.input(), count: 1 });
      endSession();
    }
  }
  endSession();
  return report;
}
