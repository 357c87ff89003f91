import type { CaptureFigures, CaptureTable, RestFigures } from './capture.ts';
import type { CaptureRepeats } from './options.ts';
import { type Aim, count, most, times } from './report.ts';
import type { Books, Sightings } from './sightings.ts';
import { figure, tableText } from './stats.ts';
import { INTERVAL_S, ROOT, USER } from './watchers.ts';

/** Percent of a core. */
const cpuOf = ({ costs: { cpuMs, ms } }: CaptureFigures): number => (100 * cpuMs) / ms;

/** A share in percent: 100 only where it is all of them. */
function percent(part: number, whole: number): string {
  const value = (100 * part) / whole;
  return part < whole ? Math.min(value, 99.99).toFixed(value > 99.9 ? 2 : 1) : '100';
}

/** What netpane says it missed: closes, and records of the trace. */
const missedText = ({ missedCloses, missedTrace, hasUncounted }: Books): string =>
  [
    ...(missedCloses > 0 ? [`${count(missedCloses)} closes`] : []),
    ...(missedTrace > 0 ? [`${count(missedTrace)} of the trace`] : []),
    ...(hasUncounted ? ['some'] : []),
  ].join(' + ') || '0';

/** Ends of connections of which no close was told, beyond those that it says it missed. Below 0: it says too many. */
const untold = ({ unseenCalls, unseenServed, missedCloses }: Books): number =>
  unseenCalls + unseenServed - missedCloses;

/** What is missed of others is not to be told from what is missed of the load: root's trace is of the whole machine. */
const isDisturbed = ({ made, books }: Sightings): boolean => (books?.others ?? 0) > 100 + made / 50;

/** Whether what was told and what is said to be missed make up what was made. */
function accountText(sightings: Sightings, books: Books): string {
  const { hasUncounted } = books;
  if (isDisturbed(sightings) && (books.missedCloses > 0 || hasUncounted)) return 'others disturb';
  const difference = untold(books);
  if (difference === 0) return 'exact';
  return difference > 0
    ? `${count(difference)} ends ${hasUncounted ? 'uncounted' : 'UNTOLD'}`
    : `${count(-difference)} too many`;
}

const TITLES = [
  'who watches',
  'made',
  '/s',
  'lived ms',
  'p95',
  '< 1 ms %',
  'seen %',
  'TIME_WAIT only %',
  'right %',
  'wrong %',
  'missed, told',
  'account',
  'CPU %',
  'seen ÷',
  'CPU ÷',
];

/** The table of one load, and what netpane says beside it. */
export function captureText({ load, rows }: CaptureTable, { seconds }: CaptureRepeats): string {
  const measured = rows.filter((row): row is CaptureFigures => 'costs' in row);
  const [netpane] = measured;
  const lines = rows.map((row) => {
    if ('why' in row) return [row.watcher, row.why];
    const { watcher, sightings, costs, lifetimeMs } = row;
    const { made, seen, remnantsOnly, right, wrong, books } = sightings;
    const seenRatio = netpane && seen / made / (netpane.sightings.seen / netpane.sightings.made);
    const cpuRatio = netpane && cpuOf(row) / cpuOf(netpane);
    return [
      costs.looks > 1 ? `${watcher} (${costs.looks} looks)` : watcher,
      count(made),
      count(Math.round(row.rate)),
      lifetimeMs.median.toFixed(3),
      lifetimeMs.p95.toFixed(3),
      (100 * row.isBrief).toFixed(1),
      percent(seen, made),
      percent(remnantsOnly, made),
      percent(right, made),
      percent(wrong, made),
      books ? missedText(books) : '',
      books ? accountText(sightings, books) : '',
      figure(cpuOf(row)),
      seenRatio === undefined ? '' : figure(seenRatio),
      cpuRatio === undefined ? '' : times(cpuRatio),
    ];
  });
  const who =
    load.callers === 'brief'
      ? 'a process for each (bash; its life is measured from accept() to its FIN)'
      : 'made by four processes that stay';
  return [
    `\n${count(load.rate)} connections a second for ${seconds} s, ${who}; netpane looks every ${INTERVAL_S} s\n` +
      '  seen: the caller’s end; right, wrong: with the process that made it, or another; account: shown + missed = made;\n' +
      '  CPU in percent of a core; ÷: to netpane as root, or else as it runs here\n\n',
    tableText([TITLES, ...lines]),
    ...measured.flatMap(({ watcher, sightings, costs }) => [
      ...(sightings.books ? [booksText(watcher, sightings, sightings.books)] : []),
      ...costs.notices.map((notice) => `  ${watcher} says: ${notice}\n`),
    ]),
  ].join('');
}

/** What netpane told of both ends, which no rival's output can be asked. */
function booksText(watcher: string, { made }: Sightings, books: Books): string {
  const { unseenCalls, unseenServed, servedRight, oddSpawns, oddCloses, others } = books;
  return (
    `  ${watcher}: closes told of ${percent(made - unseenCalls, made)} % of the callers’ ends and ` +
    `${percent(made - unseenServed, made)} % of the servers’, of these ${percent(servedRight, made)} % with the server; ` +
    `ends told to come not once: ${count(oddSpawns)}, to go more than once: ${count(oddCloses)}; ` +
    `events of other sockets: ${count(others)}\n`
  );
}

/** What nothing costs. */
export function restText(rest: RestFigures, { seconds }: CaptureRepeats): string {
  const rows = rest.map(({ name, cpu }) => [name, cpu.toFixed(3)]);
  return `\n${tableText([[`no connections for ${seconds} s`, 'CPU, % of a core'], ...rows])}`;
}

/** Up to so many connections a second nothing may be lost. */
const ALL_UP_TO = 1000;

/** What netpane wants to be with connections that are over at once. */
export function captureAims({
  tables,
  rest,
}: {
  readonly tables: readonly CaptureTable[];
  readonly rest: RestFigures;
}): Aim[] {
  const aims: Aim[] = [];
  for (const { load, rows } of tables) {
    const figuresOf = (name: string) =>
      rows.find((row): row is CaptureFigures => row.watcher === name && 'costs' in row);
    const at = `${count(load.rate)}/s${load.callers === 'brief' ? ', a process for each' : ''}`;
    const aim = (
      name: string,
      what: string,
      [wanted, limit, unit]: readonly ['at most' | 'at least', number, string],
      read: (figures: CaptureFigures) => number | undefined,
    ) => {
      const figures = figuresOf(name);
      aims.push({ what: `${at}: ${name}: ${what}`, wanted, limit, unit, value: figures && read(figures) });
    };
    const share = (of: (sightings: Sightings) => number) => (figures: CaptureFigures) =>
      (100 * of(figures.sightings)) / figures.sightings.made;
    const closes = ({ made, books }: Sightings) => made - (books?.unseenCalls ?? made);
    if (load.rate <= ALL_UP_TO) {
      aim(ROOT, 'closes seen', ['at least', 100, '%'], share(closes));
      aim(
        ROOT,
        'with the right process',
        ['at least', 99, '%'],
        share(({ right }) => right),
      );
      aim(USER, 'closes seen', ['at least', 100, '%'], share(closes));
    }
    for (const name of [ROOT, USER]) {
      aim(name, 'ends neither shown nor told as missed', ['at most', 0, ''], ({ sightings }) => {
        const { books } = sightings;
        if (books === undefined || (books.missedCloses > 0 && isDisturbed(sightings))) return undefined;
        return Math.abs(untold(books));
      });
      if (load.rate === ALL_UP_TO) aim(name, 'CPU', ['at most', 15, '% of a core'], cpuOf);
    }
  }
  for (const { name, cpu } of rest) {
    if (name === ROOT || name === USER) aims.push(most(`at rest: ${name}: CPU`, 1, '% of a core', cpu));
  }
  return aims;
}
