/** Meaning of a piece of text; the theme maps it to colours. */
export type Tone =
  | 'plain'
  | 'strong'
  | 'quiet'
  | 'header'
  /** Title of the column by which the rows are sorted. */
  | 'sorted'
  | 'accent'
  | 'warning'
  | 'error'
  | 'spawned'
  | 'changed'
  | 'closed'
  /** Group header. */
  | 'group'
  /** Part of a cell that the query matches. */
  | 'match'
  /** Selected cell. */
  | 'cell'
  | 'cursor';

/** Text of one tone. Its maker has passed it through `printable`. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of the screen. */
export interface Line {
  readonly spans: readonly Span[];
  /** True if the whole width is shown inverse. */
  readonly selected?: boolean;
}

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });
export const line = (...spans: Span[]): Line => ({ spans });
