import type { Detections, EventTally } from './detections.ts';
import type { ShortLivedRepeats } from './options.ts';
import type { IdleFigures, ShortLivedTable, WatcherFigures } from './short-lived.ts';
import { count, figure, tableText, times } from './stats.ts';
import { atMost, type Target } from './targets.ts';
import { INTERVAL_S, ROOT, USER } from './watchers.ts';

/** Returns the CPU of a watcher in percent of a core. */
const cpuOf = ({ costs: { cpuMs, ms } }: WatcherFigures): number => (100 * cpuMs) / ms;

/** Formats a share in percent: `100` only if part and whole are equal. */
function percent(part: number, whole: number): string {
  const value = (100 * part) / whole;
  return part < whole ? Math.min(value, 99.99).toFixed(value > 99.9 ? 2 : 1) : '100';
}

/** Formats what netpane reports as missed: closes, and records of the trace. */
const missedText = ({ missedCloses, missedTrace, hasUncounted }: EventTally): string =>
  [
    ...(missedCloses > 0 ? [`${count(missedCloses)} closes`] : []),
    ...(missedTrace > 0 ? [`${count(missedTrace)} of the trace`] : []),
    ...(hasUncounted ? ['some'] : []),
  ].join(' + ') || '0';

/**
 * Returns the number of sockets without a close event that are not reported as missed either. Negative if more closes are
 * reported as missed than were, even if each close that a poll noticed is one of them.
 */
function unreported({ unclosedClients, unclosedServers, closedByPoll, missedCloses }: EventTally): number {
  const difference = unclosedClients + unclosedServers - missedCloses;
  return difference < 0 ? Math.min(0, difference + closedByPoll) : difference;
}

/**
 * Returns true if other sockets had too many events for the balance: root's trace covers the whole machine, and a
 * missed event may belong to the load or not.
 */
const isDisturbed = ({ made, events }: Detections): boolean => (events?.foreign ?? 0) > 100 + made / 50;

/** Formats whether reported and missed closes add up to the sockets that were closed. */
function balanceText(detections: Detections, events: EventTally): string {
  const { hasUncounted } = events;
  if (isDisturbed(detections) && (events.missedCloses > 0 || hasUncounted)) return 'disturbed by others';
  const difference = unreported(events);
  if (difference === 0) return 'exact';
  return difference > 0
    ? `${count(difference)} closes ${hasUncounted ? 'uncounted' : 'UNREPORTED'}`
    : `${count(-difference)} too many`;
}

const TITLES = [
  'watcher',
  'made',
  '/s',
  'lifetime, ms',
  'p95',
  '< 1 ms %',
  'seen %',
  'TIME_WAIT only %',
  'right %',
  'wrong %',
  'reported missed',
  'balance',
  'CPU %',
  'seen ÷',
  'CPU ÷',
];

/** Formats the table of one load, with netpane's notices below it. */
export function shortLivedText({ load, rows }: ShortLivedTable, { seconds }: ShortLivedRepeats): string {
  const measured = rows.filter((row): row is WatcherFigures => 'costs' in row);
  const [netpane] = measured;
  const lines = rows.map((row) => {
    if ('why' in row) return [row.watcher, row.why];
    const { watcher, detections, costs, lifetimeMs } = row;
    const { made, seen, remnantsOnly, right, wrong, events } = detections;
    const seenRatio = netpane && seen / made / (netpane.detections.seen / netpane.detections.made);
    const cpuRatio = netpane && cpuOf(row) / cpuOf(netpane);
    return [
      costs.runs > 1 ? `${watcher} (${costs.runs} runs)` : watcher,
      count(made),
      count(Math.round(row.rate)),
      lifetimeMs.median.toFixed(3),
      lifetimeMs.p95.toFixed(3),
      (100 * row.briefShare).toFixed(1),
      percent(seen, made),
      percent(remnantsOnly, made),
      percent(right, made),
      percent(wrong, made),
      events ? missedText(events) : '',
      events ? balanceText(detections, events) : '',
      figure(cpuOf(row)),
      seenRatio === undefined ? '' : figure(seenRatio),
      cpuRatio === undefined ? '' : times(cpuRatio),
    ];
  });
  const clients =
    load.clients === 'per-connection'
      ? 'a process for each (bash; lifetime from accept() to its FIN)'
      : 'made by four permanent processes';
  return [
    `\n${count(load.rate)} connections per second for ${seconds} s, ${clients}; netpane polls every ${INTERVAL_S} s\n` +
      '  seen: the client’s socket; right, wrong: with the client’s process, or another; balance: reported + missed = made;\n' +
      '  CPU in percent of a core; ÷: relative to netpane as root, or else as an ordinary user\n\n',
    tableText([TITLES, ...lines]),
    ...measured.flatMap(({ watcher, detections, costs }) => [
      ...(detections.events ? [eventsText(watcher, detections, detections.events)] : []),
      ...costs.notices.map((notice) => `  notice of ${watcher}: ${notice}\n`),
    ]),
  ].join('');
}

/** Formats what netpane reported about both sockets of a connection; other tools have no such output. */
function eventsText(watcher: string, { made }: Detections, events: EventTally): string {
  const { unclosedClients, unclosedServers, serversRight, oddSpawns, oddCloses, foreign } = events;
  return (
    `  ${watcher}: closes reported of ${percent(made - unclosedClients, made)} % of the client sockets and ` +
    `${percent(made - unclosedServers, made)} % of the server sockets, ${percent(serversRight, made)} % with the server; ` +
    `sockets without exactly one spawn: ${count(oddSpawns)}, with more than one close: ${count(oddCloses)}; ` +
    `events of other sockets: ${count(foreign)}\n`
  );
}

/** Formats the CPU while nothing happens. */
export function idleText(idle: IdleFigures, { seconds }: ShortLivedRepeats): string {
  const rows = idle.map(({ name, cpu }) => [name, cpu.toFixed(3)]);
  return `\n${tableText([[`no connections for ${seconds} s`, 'CPU, % of a core'], ...rows])}`;
}

/** Maximum rate, connections per second, at which no connection may be missed. */
const COMPLETE_UP_TO = 1000;

/** Returns the targets of short-lived connections. */
export function shortLivedTargets({
  tables,
  idle,
}: {
  readonly tables: readonly ShortLivedTable[];
  readonly idle: IdleFigures;
}): Target[] {
  const targets: Target[] = [];
  for (const { load, rows } of tables) {
    const figuresOf = (name: string) =>
      rows.find((row): row is WatcherFigures => row.watcher === name && 'costs' in row);
    const at = `${count(load.rate)}/s${load.clients === 'per-connection' ? ', a process for each' : ''}`;
    const add = (
      name: string,
      what: string,
      [bound, limit, unit]: readonly ['at most' | 'at least', number, string],
      read: (figures: WatcherFigures) => number | undefined,
    ) => {
      const figures = figuresOf(name);
      targets.push({ what: `${at}: ${name}: ${what}`, bound, limit, unit, value: figures && read(figures) });
    };
    const share = (of: (detections: Detections) => number) => (figures: WatcherFigures) =>
      (100 * of(figures.detections)) / figures.detections.made;
    const closes = ({ made, events }: Detections) => made - (events?.unclosedClients ?? made);
    if (load.rate <= COMPLETE_UP_TO) {
      add(ROOT, 'closes reported', ['at least', 100, '%'], share(closes));
      add(
        ROOT,
        'with the right process',
        ['at least', 99, '%'],
        share(({ right }) => right),
      );
      add(USER, 'closes reported', ['at least', 100, '%'], share(closes));
    }
    for (const name of [ROOT, USER]) {
      add(name, 'closes neither reported nor counted as missed', ['at most', 0, ''], ({ detections }) => {
        const { events } = detections;
        if (events === undefined || (events.missedCloses > 0 && isDisturbed(detections))) return undefined;
        return Math.abs(unreported(events));
      });
      if (load.rate === COMPLETE_UP_TO) add(name, 'CPU', ['at most', 15, '% of a core'], cpuOf);
    }
  }
  for (const { name, cpu } of idle) {
    if (name === ROOT || name === USER) targets.push(atMost(`at rest: ${name}: CPU`, 1, '% of a core', cpu));
  }
  return targets;
}
