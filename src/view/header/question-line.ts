import { printable } from '../../model/text.ts';
import type { HideRule } from '../../store/hide-rules.ts';
import type { Row } from '../../store/row.ts';
import type { Question } from '../../store/state.ts';
import { type KeyHelp, keyText } from './key-help.ts';
import { directionSign } from '../text/direction-sign.ts';
import { endpointText, ownerText } from '../text/format.ts';
import { type Line, line, span } from '../text/line.ts';
import { cutEnd, displayWidth, inLines } from '../text/width.ts';

/** Returns program, peer and port of a rule: `curl → 203.0.113.80:443`, `sshd port 22`. */
export function ruleText({ process, remote, port }: HideRule): string {
  if (remote === '*') return printable(`${process} port ${port}`);
  return printable(`${process} → ${remote.includes(':') ? `[${remote}]` : remote}:${port}`);
}

/**
 * Returns program and endpoint of a socket: `curl → 203.0.113.80:443`, `sshd ← 203.0.113.9:50022`, `sshd 0.0.0.0:22`.
 * Printable.
 */
export function socketText({ socket, direction }: Pick<Row, 'socket' | 'direction'>): string {
  const { local, remote } = socket;
  const program = ownerText(socket);
  return remote
    ? `${program} ${directionSign(direction ?? 'out')} ${endpointText(remote, socket)}`
    : `${program} ${endpointText(local, socket)}`;
}

/** Returns what a question asks, and what its answer does, in full and in short. */
const questionTexts = (question: Question): readonly [asked: string, full: string, short: string] =>
  question.kind === 'hide'
    ? [`hide ${ruleText(question.rule)}`, 'hides', 'hides for good']
    : [
        `close ${question.what}`,
        `closes, ${question.sockets.length === 1 ? 'its program gets' : 'their programs get'} an error`,
        'closes',
      ];

/**
 * Returns the two lines of a question; the second one is empty if the first has room for all. A question that is
 * too long is cut, but not the key that answers it.
 * @param hasLineBelow false if there is room for one line only
 */
export function questionLines(
  question: Question,
  keys: readonly KeyHelp[],
  width: number,
  hasLineBelow = true,
): readonly [string, string] {
  const [asked, effect, shortEffect] = questionTexts(question);
  const yes = keyText(keys, 'answer-yes');
  const cancels = ', any other key cancels';
  const full = `${asked}${question.kind === 'hide' ? ' for good' : ''}? ${yes} ${effect}${cancels}`;
  if (displayWidth(full) <= width) return [full, ''];
  const answer = ` ${yes} ${shortEffect}`;
  if (!hasLineBelow || displayWidth(`${asked}?${answer}`) <= width)
    return [cutEnd(`${asked}?`, Math.max(0, width - answer.length)) + answer, ''];
  const [first = '', ...others] = inLines(`${asked}?`, width);
  const rest = cutEnd(others.join(' '), Math.max(0, width - answer.length)) + answer;
  return [first, (displayWidth(rest + cancels) <= width ? rest + cancels : rest).trimStart()];
}

/** Returns a line of a question. */
export const questionLine = (text: string): Line => line(span(text, 'warning'));
