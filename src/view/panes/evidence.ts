import type { Evidence, EvidenceLine } from '../../model/evidence.ts';
import { exposureOf } from '../../model/exposure.ts';
import { targetOf } from '../../model/process.ts';
import { firstOwner } from '../../model/socket.ts';
import { printable } from '../../model/text.ts';
import { isAbout } from '../../store/evidence.ts';
import type { Row } from '../../store/row.ts';
import type { State } from '../../store/state.ts';
import { exposureWords } from '../text/exposure-text.ts';
import { type Line, line, span } from '../text/line.ts';
import { inLines } from '../text/width.ts';

/** Width of the label before the text of a line, cells. */
export const LABEL_WIDTH = 9;

/** Returns the evidence about the process of a row; undefined if there is none, or it is about another process. */
function knownEvidence(row: Row, { evidence }: State): Evidence | undefined {
  const target = targetOf(firstOwner(row.socket));
  return evidence && target && isAbout(evidence, target) ? evidence : undefined;
}

const SEPARATOR = ' · ';

/**
 * Returns the lines of the verdict: who can reach a listener, the unusual facts, the others. None if there is no fact, or
 * before the evidence was asked for.
 */
export function verdictLines(row: Row, state: State, width: number): Line[] {
  const evidence = knownEvidence(row, state);
  if (evidence === undefined) return [];
  const { verdict, isComplete } = evidence;
  const exposure = exposureOf(row.socket);
  const [reach = ''] = exposure ? exposureWords(exposure, row.socket) : [];
  const words = [
    ...(reach === '' ? [] : [`listens: ${reach}`]),
    ...verdict
      .toSorted((a, b) => Number(b.isUnusual) - Number(a.isUnusual))
      .map(({ text }) => printable(text)),
    ...(isComplete ? [] : ['reading …']),
  ];
  if (words.length === 0) return [];
  const tone = verdict.some(({ isUnusual }) => isUnusual) ? 'warning' : 'plain';
  return inLines(words.join(SEPARATOR), room(width)).map((text, i) =>
    line(span((i === 0 ? 'verdict' : '').padEnd(LABEL_WIDTH), 'quiet'), span(text, tone)),
  );
}

const room = (width: number): number => Math.max(8, width - LABEL_WIDTH);

/** Returns the lines of the evidence that say why the program runs, each with its source; or all the others. */
export const evidenceLines = (row: Row, state: State, width: number, part: 'why' | 'others'): Line[] =>
  (knownEvidence(row, state)?.lines ?? [])
    .filter(({ label }) => (label === 'why') === (part === 'why'))
    .flatMap((it) => evidenceLine(it, width));

/** Returns the lines of a fact with its source. */
export function evidenceLine({ label, text, from }: EvidenceLine, width: number): Line[] {
  const shown = printable(text);
  const whole = `${shown}  (${printable(from)})`;
  let at = 0;
  return inLines(whole, room(width)).map((piece, i) => {
    // The source is quiet, also where it continues on another line.
    const own = Math.max(0, Math.min(piece.length, shown.length - at));
    at += piece.length;
    // `inLines` leaves out a space between two lines.
    if (whole[at] === ' ') at++;
    return line(
      span((i === 0 ? printable(label) : '').padEnd(LABEL_WIDTH), 'quiet'),
      span(piece.slice(0, own)),
      span(piece.slice(own), 'quiet'),
    );
  });
}
