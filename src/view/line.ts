/** What a piece of text means; the theme says how it looks. */
export type Tone =
  | 'plain'
  | 'strong'
  | 'quiet'
  | 'header'
  | 'accent'
  | 'warning'
  | 'error'
  | 'spawned'
  | 'changed'
  | 'closed'
  /** The header line of a group of rows. */
  | 'group'
  /** The cell, or the title, of the column that the cursor is on. */
  | 'cell'
  | 'cursor';

/** Text of one meaning. The text is printable: whatever made it has gone through `printable`. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of the screen. */
export interface Line {
  readonly spans: readonly Span[];
  /** The whole width is shown inverse. */
  readonly selected?: boolean;
}

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });
export const line = (...spans: Span[]): Line => ({ spans });
