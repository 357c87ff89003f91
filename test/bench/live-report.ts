import type { LiveMark, LiveSoakFigures, StormFigures } from './live-soak.ts';
import { type Aim, count, most } from './report.ts';
import { figure, spreadOf, tableText, tailText } from './stats.ts';

/** Lines of a table of marks, so that it can be read in one go. */
const LINES = 20;

const megabytes = ({ megabytes }: LiveMark) => megabytes;
const keyMs = ({ keyMs }: LiveMark) => keyMs;

function marksText(marks: readonly LiveMark[]): string {
  const step = Math.ceil(marks.length / LINES);
  const rows = marks.filter((_, i) => i % step === step - 1 || i === marks.length - 1);
  return tableText([
    ['second', 'RSS, MB', 'descriptors', 'key, ms'],
    ...rows.map((it) => [
      it.seconds.toFixed(0),
      figure(it.megabytes),
      String(it.descriptors),
      figure(it.keyMs),
    ]),
  ]);
}

const keysText = (marks: readonly LiveMark[]): string =>
  `  key to prompt, ms: ${tailText(spreadOf(marks.map(keyMs)))}\n`;

export function liveSoakText({ rate, marks, agreement }: LiveSoakFigures): string {
  const { sockets, missing, invented } = agreement;
  return (
    `\nlive soak: ${count(Math.round(rate))} connections a second, with programs, listeners and namespaces that come and go\n\n` +
    marksText(marks) +
    keysText(marks) +
    `  netpane ls at the end: ${count(sockets)} sockets; ${missing} missing and ${invented} more than ss lists\n`
  );
}

export const stormText = ({ rate, marks, stormMarks }: StormFigures): string =>
  `\nstorm: ${count(Math.round(rate))} connections a second, to second ${marks[stormMarks - 1]?.seconds.toFixed(0) ?? '?'}\n\n` +
  marksText(marks) +
  keysText(marks.slice(0, stormMarks));

/** In the first minute sockets in TIME_WAIT only come. */
const FILLING_SECONDS = 60;

/**
 * Returns how much the minimum of the last third exceeds that of the second; undefined where sockets still pile up
 * then.
 */
function growth(marks: readonly LiveMark[], of: (mark: LiveMark) => number): number | undefined {
  if ((marks.at(-1)?.seconds ?? 0) < 3 * FILLING_SECONDS) return undefined;
  const third = Math.floor(marks.length / 3);
  const least = (part: readonly LiveMark[]): number => Math.min(...part.map(of));
  return least(marks.slice(2 * third)) - least(marks.slice(third, 2 * third));
}

export const liveSoakAims = ({ marks, agreement }: LiveSoakFigures): Aim[] => [
  most('live soak: memory', 300, 'MB', Math.max(...marks.map(megabytes))),
  most('live soak: growth of RSS', 20, 'MB', growth(marks, megabytes)),
  most(
    'live soak: growth of open descriptors',
    0,
    '',
    growth(marks, ({ descriptors }) => descriptors),
  ),
  most('live soak: key to prompt, p95', 50, 'ms', spreadOf(marks.map(keyMs)).p95),
  most('live soak: sockets that ls lacks', 0, '', agreement.missing),
  most('live soak: sockets that only ls has', 0, '', agreement.invented),
];

/** Seconds from the end of a storm until a key is answered at once. */
function recovery(calm: readonly LiveMark[], endSeconds: number): number {
  const first = calm.findIndex((_, i) => calm.slice(i).every(({ keyMs: ms }) => ms <= 50));
  return (calm[first]?.seconds ?? Infinity) - endSeconds;
}

export function stormAims({ marks, stormMarks }: StormFigures): Aim[] {
  const endSeconds = marks[stormMarks - 1]?.seconds ?? 0;
  const calm = marks.slice(stormMarks);
  const later = calm.filter(({ seconds }) => seconds >= endSeconds + 10);
  return [
    most('storm: memory', 300, 'MB', Math.max(...marks.map(megabytes))),
    most('storm: key to prompt, p95', 100, 'ms', spreadOf(marks.slice(0, stormMarks).map(keyMs)).p95),
    most('storm: until every key is answered within 50 ms', 10, 's', recovery(calm, endSeconds)),
    most(
      'storm: memory 10 s after it',
      250,
      'MB',
      later.length === 0 ? undefined : Math.max(...later.map(megabytes)),
    ),
  ];
}
