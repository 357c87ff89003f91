/** Help about one kind of term. */
export interface TermHelp {
  readonly syntax: string;
  /** A complete query. */
  readonly example: string;
  readonly about: string;
}
