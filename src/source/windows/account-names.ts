/**
 * Time after which a name that was not found is asked for again, milliseconds. If the server of its domain does not answer, a
 * lookup may take some seconds, in which nothing is polled.
 */
const RETRY_MS = 600_000;

interface Account {
  readonly name: string | undefined;
  readonly askedAtMs: number;
}

/** Names of accounts by SID. A name may come from a server of the domain, so each is asked for once. */
export class AccountNames {
  readonly #ask: (sid: Uint8Array) => string | undefined;
  readonly #nowMs: () => number;
  readonly #accounts = new Map<string, Account>();

  /**
   * @param ask returns the name of an account; undefined if it is unknown now
   * @param nowMs milliseconds on a clock that never runs backwards
   */
  constructor(ask: (sid: Uint8Array) => string | undefined, nowMs: () => number) {
    this.#ask = ask;
    this.#nowMs = nowMs;
  }

  /** Returns the name of an account; undefined if it is unknown. */
  of(sid: Uint8Array): string | undefined {
    const key = Buffer.from(sid).toString('hex');
    const known = this.#accounts.get(key);
    const nowMs = this.#nowMs();
    if (known && (known.name !== undefined || nowMs - known.askedAtMs < RETRY_MS)) return known.name;
    const name = this.#ask(sid);
    // After the lookup, which may have taken long.
    this.#accounts.set(key, { name, askedAtMs: this.#nowMs() });
    return name;
  }
}
