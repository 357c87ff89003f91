import { printable } from '../../model/text.ts';
import type { HideRule } from '../../store/hide-rules.ts';
import type { Question } from '../../store/state.ts';
import { type KeyHelp, keyText } from './key-help.ts';
import { type Line, line, span } from '../text/line.ts';
import { cutEnd, displayWidth } from '../text/width.ts';

/** Returns program, peer and port of a rule: `curl → 203.0.113.80:443`, `sshd port 22`. */
export function ruleText({ process, remote, port }: HideRule): string {
  if (remote === '*') return printable(`${process} port ${port}`);
  return printable(`${process} → ${remote.includes(':') ? `[${remote}]` : remote}:${port}`);
}

/** Returns the line of a question. A narrow one cuts what is asked about, never the key that answers. */
export function questionLine({ rule }: Question, keys: readonly KeyHelp[], width: number): Line {
  const what = ruleText(rule);
  const yes = keyText(keys, 'answer-yes');
  const full = `hide ${what} for good? ${yes} hides, any other key cancels`;
  if (displayWidth(full) <= width) return line(span(full, 'warning'));
  const short = ` ${yes} hides for good`;
  return line(span(cutEnd(`hide ${what}?`, Math.max(0, width - short.length)) + short, 'warning'));
}
