import { KEY_KINDS, type KeyKind, type ProgramFigures } from './program.ts';
import type { RivalFigures } from './rivals.ts';
import { STAGES, type StageFigures } from './stages.ts';
import { figure, type Spread, spreadText, tableText, tailText } from './stats.ts';

/** Everything measured with one count of sockets. */
export interface SceneFigures {
  readonly size: number;
  readonly atRest: StageFigures;
  readonly changing: StageFigures;
  readonly firstSample: Spread;
  readonly program: ProgramFigures;
  readonly rivals: readonly RivalFigures[];
}

const KEY_NAMES: Readonly<Record<KeyKind, string>> = {
  move: 'j',
  filter: 'a letter in /',
  sort: 'S (reverses the order)',
};

/** The tables of one count of sockets. */
export function sceneText(figures: SceneFigures): string {
  const { atRest, changing, program } = figures;
  const times = (value: number) => `${figure(value)}×`;
  const stages = tableText([
    ['stage, ms', 'at rest (min–max)', 'CPU', '1 % changing (min–max)', 'CPU'],
    ...STAGES.map((stage) => [
      stage,
      spreadText(atRest.time[stage]),
      figure(atRest.cpu[stage].median),
      spreadText(changing.time[stage]),
      figure(changing.cpu[stage].median),
    ]),
    ...(['tick', 'paint'] as const).map((sum) => [
      { tick: 'sample + owners + diff', paint: 'view + render' }[sum],
      spreadText(atRest[sum]),
      sum === 'tick' ? figure(atRest.tickCpu.median) : '',
      spreadText(changing[sum]),
      sum === 'tick' ? figure(changing.tickCpu.median) : '',
    ]),
  ]);
  const whole = tableText([
    ['the program in a terminal', ''],
    ['start to the full table, ms', spreadText(program.start)],
    ['node -e 0, ms', spreadText(program.bareNode)],
    ['start ÷ node -e 0', times(program.start.median / program.bareNode.median)],
    ...KEY_KINDS.map((kind) => [`key to paint: ${KEY_NAMES[kind]}, ms`, tailText(program.keys[kind])]),
    ['bytes a tick, at rest', spreadText(program.restBytes)],
    ['bytes a tick, 1 % changing', spreadText(program.busyBytes)],
    ['CPU at rest, % of a core', figure(program.restCpu)],
    ['memory at rest, MB', figure(program.restMegabytes)],
    ['memory after changes, MB', figure(program.busyMegabytes)],
  ]);
  const tickMs = atRest.tick.median;
  const firstMs = figures.firstSample.median;
  const rivals = tableText([
    ['a list of the sockets, ms', 'time (min–max)', 'CPU', '÷ tick', '÷ first sample'],
    ['netpane, a tick at rest', spreadText(atRest.tick), figure(atRest.tickCpu.median), '1×', ''],
    ['netpane, the first sample', spreadText(figures.firstSample), '', times(firstMs / tickMs), '1×'],
    ...figures.rivals.map(({ name, costs }) =>
      costs === undefined
        ? [name, 'not installed']
        : [
            name,
            spreadText(costs.time),
            figure(costs.cpuMs),
            times(costs.time.median / tickMs),
            times(costs.time.median / firstMs),
          ],
    ),
  ]);
  const changes = `${changing.changes.median} of them changing a tick`;
  return `\n${atRest.sockets.toLocaleString('en-US')} sockets (${changes})\n\n${stages}\n${whole}\n${rivals}`;
}

interface Aim {
  readonly what: string;
  /** The value must not be above it. */
  readonly limit: number;
  readonly unit: string;
  /** Undefined when its count of sockets was not among those measured. */
  readonly value: number | undefined;
}

/** What netpane wants to be, and whether it was. */
export function aimsText(all: readonly SceneFigures[]): string {
  const at = <T>(size: number, read: (figures: SceneFigures) => T): T | undefined => {
    const figures = all.find((it) => it.size === size);
    return figures && read(figures);
  };
  const slowestKey = (statistic: 'median' | 'p95') => (it: SceneFigures) =>
    Math.max(...KEY_KINDS.map((kind) => it.program.keys[kind][statistic]));
  const aims: Aim[] = [
    {
      what: 'start to the full table, 200 sockets',
      limit: 3,
      unit: '× node -e 0',
      value: at(200, ({ program }) => program.start.median / program.bareNode.median),
    },
    {
      what: 'CPU at rest, 200 sockets',
      limit: 1.5,
      unit: '% of a core',
      value: at(200, ({ program }) => program.restCpu),
    },
    {
      what: 'key to paint, 10,000 sockets, slowest key, median',
      limit: 16,
      unit: 'ms',
      value: at(10_000, slowestKey('median')),
    },
    {
      what: 'key to paint, 10,000 sockets, slowest key, p95',
      limit: 16,
      unit: 'ms',
      value: at(10_000, slowestKey('p95')),
    },
    {
      what: 'memory at rest, 200 sockets',
      limit: 100,
      unit: 'MB',
      value: at(200, ({ program }) => program.restMegabytes),
    },
    {
      what: 'memory, 10,000 sockets',
      limit: 150,
      unit: 'MB',
      value: at(10_000, ({ program }) => Math.max(program.restMegabytes, program.busyMegabytes)),
    },
    {
      what: 'view + render, 10,000 sockets, 1 % changing',
      limit: 5,
      unit: 'ms',
      value: at(10_000, ({ changing }) => changing.paint.median),
    },
  ];
  const rows = aims.map(({ what, limit, unit, value }) =>
    value === undefined
      ? [what, 'not measured', `≤ ${limit} ${unit}`, '']
      : [what, figure(value), `≤ ${limit} ${unit}`, value <= limit ? 'met' : 'NOT MET'],
  );
  return `\n${tableText([['aim', 'value', 'wanted', ''], ...rows])}`;
}
