import { printable } from '../../model/text.ts';
import type { Whois } from '../../model/whois.ts';
import { type Line, line, span } from '../text/line.ts';
import { topWithin, withPosition } from '../text/position.ts';
import { cutEnd } from '../text/width.ts';
import { paneTitle } from './events.ts';
import { linesIn, type PaneRow } from './pane.ts';

/** Returns which servers were asked and which one answered. */
function serversText({ address, asked, answeredBy, isComplete }: Whois): string {
  const path = asked.map(printable).join(' → ');
  if (!isComplete) return `${address}  asking ${path} …`;
  return `${address}  ${answeredBy === undefined ? 'no answer' : `answer of ${printable(answeredBy)}`}  asked: ${path}`;
}

/** Returns the lines of the answer, not printable yet; before them the problem that ended it. */
function textsOf({ text, problem }: Whois): string[] {
  const lines = text === '' ? [] : text.trimEnd().split('\n');
  return problem === undefined ? lines : [`! ${problem}`, '', ...lines];
}

/** Returns a line of the answer; remarks of the registry are quiet. */
function answerLine(text: string, width: number): Line {
  const tone = text.startsWith('!') ? 'warning' : /^[%#]/.test(text) ? 'quiet' : undefined;
  return line(span(cutEnd(printable(text.trimEnd()), width), tone));
}

/** The answer of whois about an address. It covers the table. */
export const WHOIS: PaneRow = {
  position: { where: 'screen' },
  rank: 1.5,
  hints: ({ panes }) =>
    panes.whois
      ? [
          { actions: ['move-up', 'move-down'], hint: 'scroll' },
          { actions: ['close'], hint: 'close' },
        ]
      : undefined,
  lines: ({ state: { whois, places } }, { width, height }) => {
    if (whois === null) return [paneTitle('WHOIS', '', width)];
    const texts = textsOf(whois);
    const all = { top: places.whois.top, height: Math.max(0, height - 1), length: texts.length };
    const part = { ...all, top: topWithin(all) };
    const shown = texts.slice(part.top, part.top + part.height);
    return [
      paneTitle('WHOIS', withPosition(part, serversText(whois)), width),
      ...shown.map((text) => answerLine(text, width)),
    ];
  },
  move: ({ state: { whois } }, { height }, by, unit) => {
    const lines = whois ? textsOf(whois).length : 0;
    const room = Math.max(0, height - 1);
    return {
      type: 'scroll',
      pane: 'whois',
      by: linesIn(unit, Math.max(1, room - 1), lines) * by,
      lines,
      height: room,
    };
  },
};
