/** Answers of whois servers about an address (RFC 3912), so far. */
export interface Whois {
  readonly address: string;
  /** Servers asked, in order: each one referred to the next. Untrusted texts. */
  readonly asked: readonly string[];
  /** The server that gave the text; absent before the first answer. Untrusted text. */
  readonly answeredBy?: string;
  /** The last answer. Untrusted text. */
  readonly text: string;
  /** Why there is no answer, or no further one. Untrusted text. */
  readonly problem?: string;
  readonly isComplete: boolean;
}
