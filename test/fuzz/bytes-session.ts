import { mutatedBytes } from './mutate.ts';
import type { Random } from './random.ts';
import type { Outcome, Session } from './target.ts';

/** Returns a session whose inputs are samples with mutations. @param tryInput tries one, see `Session.next` */
export function bytesSession(
  random: Random,
  samples: readonly Uint8Array[],
  tryInput: (input: Uint8Array) => Outcome,
): Session {
  let input: Uint8Array = new Uint8Array();
  return {
    input: () => input,
    next: () => {
      input = mutatedBytes(random, random.of(samples));
      return tryInput(input);
    },
  };
}
