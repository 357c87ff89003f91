import { printable } from '../../model/text.ts';
import type { Message } from '../../store/state.ts';
import { type Line, line, span, type Tone } from '../text/line.ts';
import { cutEnd } from '../text/width.ts';
import { wrap } from '../text/wrap.ts';

/** Returns the tone of a message. */
export const messageTone = ({ isError }: Message): Tone => (isError ? 'error' : 'accent');

/** Returns the two lines of a message that is too long to be beside other words; the second one may be empty. */
export function messageLines(message: Message, width: number): readonly [Line, Line] {
  const [first = '', ...others] = wrap(printable(message.text), width);
  const lineOf = (text: string): Line => line(span(cutEnd(text, width), messageTone(message)));
  return [lineOf(first), lineOf(others.join(' '))];
}
