/** Help about one kind of term. */
export interface TermHelp {
  /** How the term is written, with placeholders in capitals: `port:PORTS`. */
  readonly syntax: string;
  /** A complete query. */
  readonly example: string;
  /** Short description. */
  readonly about: string;
}
