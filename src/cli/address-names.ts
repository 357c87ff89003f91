import type { NameAnswer, PeerName, PeerNames } from '../store/peer-names.ts';

/** Maximum number of lookups at once. */
const MAX_AT_ONCE = 4;
/** Time between the starts of two lookups, milliseconds: at most 20 a second. */
const TURN_MS = 50;
/** Time for which answers are collected, milliseconds: each delivery copies the known names, and may sort all rows. */
const DELIVERY_MS = 250;
/** Maximum number of addresses that wait: more than a screen shows. Others are dropped; a later paint asks again. */
const MAX_WAITING = 500;

/** Resolves to the name of an address. Never rejects. */
export type LookUpName = (address: string) => Promise<NameAnswer>;

/**
 * Asks for the names of addresses, a few at a time.
 *
 *     ask ─▶ waiting ─▶ being looked up ─▶ answered ─▶ onAnswers
 */
export class AddressNames {
  readonly #lookUp: LookUpName;
  #waiting: readonly string[] = [];
  /** Addresses being looked up, or with an answer that is not delivered yet. */
  readonly #taken = new Set<string>();
  #atOnce = 0;
  #turn: NodeJS.Timeout | undefined;
  #answers = new Map<string, PeerName>();
  #onAnswers: (answers: PeerNames) => void = () => undefined;

  constructor(lookUp: LookUpName) {
    this.#lookUp = lookUp;
  }

  /** Asks for the names of these addresses. Those of an earlier call that still wait are dropped. */
  ask(addresses: readonly string[], onAnswers: (answers: PeerNames) => void): void {
    this.#onAnswers = onAnswers;
    this.#waiting = addresses.slice(0, MAX_WAITING);
    this.#startTurn();
  }

  #startTurn(): void {
    if (this.#turn !== undefined || this.#waiting.length === 0 || this.#atOnce >= MAX_AT_ONCE) return;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      this.#waiting = this.#waiting.filter((address) => !this.#taken.has(address));
      const [next, ...others] = this.#waiting;
      this.#waiting = others;
      if (next !== undefined) void this.#lookUpNext(next);
      this.#startTurn();
    }, TURN_MS).unref();
  }

  async #lookUpNext(address: string): Promise<void> {
    this.#taken.add(address);
    this.#atOnce++;
    const answer = await this.#lookUp(address);
    this.#atOnce--;
    if (this.#answers.size === 0) setTimeout(() => this.#deliver(), DELIVERY_MS).unref();
    this.#answers.set(address, { ...answer, atMs: performance.now() });
    this.#startTurn();
  }

  #deliver(): void {
    const answers = this.#answers;
    this.#answers = new Map();
    for (const address of answers.keys()) this.#taken.delete(address);
    this.#onAnswers(answers);
  }
}
