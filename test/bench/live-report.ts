import type { LiveCheckpoint, LiveSoakFigures, StormFigures } from './live-soak.ts';
import { count, figure, spreadOf, tableText, tailText } from './stats.ts';
import { atMost, type Target } from './targets.ts';

/** Maximum number of lines in a table of checkpoints. */
const MAX_LINES = 20;

const megabytes = ({ megabytes }: LiveCheckpoint) => megabytes;
const keyMs = ({ keyMs }: LiveCheckpoint) => keyMs;

function checkpointsText(checkpoints: readonly LiveCheckpoint[]): string {
  const step = Math.ceil(checkpoints.length / MAX_LINES);
  const rows = checkpoints.filter((_, i) => i % step === step - 1 || i === checkpoints.length - 1);
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

const keysText = (checkpoints: readonly LiveCheckpoint[]): string =>
  `  key to prompt, ms: ${tailText(spreadOf(checkpoints.map(keyMs)))}\n`;

export function liveSoakText({ rate, checkpoints, difference }: LiveSoakFigures): string {
  const { sockets, missing, extra } = difference;
  return (
    `\nlive soak: ${count(Math.round(rate))} connections per second; processes, listeners and namespaces appear and disappear\n\n` +
    checkpointsText(checkpoints) +
    keysText(checkpoints) +
    `  netpane ls at the end: ${count(sockets)} sockets; compared with ss ${missing} missing and ${extra} extra\n`
  );
}

export function stormText({ rate, megabytesBefore, checkpoints, stormCheckpoints }: StormFigures): string {
  const endSeconds = checkpoints[stormCheckpoints - 1]?.seconds.toFixed(0) ?? '?';
  return (
    `\nstorm: ${count(Math.round(rate))} connections per second until second ${endSeconds}; ${figure(megabytesBefore)} MB before\n\n` +
    checkpointsText(checkpoints) +
    keysText(checkpoints.slice(0, stormCheckpoints))
  );
}

/** Time from the start in which the number of TIME_WAIT sockets only grows, seconds. */
const FILLING_SECONDS = 60;

/**
 * Returns how much the minimum of the last third exceeds that of the second third; undefined if TIME_WAIT sockets still
 * pile up in the second third.
 */
function growth(
  checkpoints: readonly LiveCheckpoint[],
  of: (checkpoint: LiveCheckpoint) => number,
): number | undefined {
  if ((checkpoints.at(-1)?.seconds ?? 0) < 3 * FILLING_SECONDS) return undefined;
  const third = Math.floor(checkpoints.length / 3);
  const min = (part: readonly LiveCheckpoint[]): number => Math.min(...part.map(of));
  return min(checkpoints.slice(2 * third)) - min(checkpoints.slice(third, 2 * third));
}

export const liveSoakTargets = ({ checkpoints, difference }: LiveSoakFigures): Target[] => [
  atMost('live soak: memory', 300, 'MB', Math.max(...checkpoints.map(megabytes))),
  atMost('live soak: growth of RSS', 20, 'MB', growth(checkpoints, megabytes)),
  atMost(
    'live soak: growth of open descriptors',
    0,
    '',
    growth(checkpoints, ({ descriptors }) => descriptors),
  ),
  atMost('live soak: key to prompt, p95', 50, 'ms', spreadOf(checkpoints.map(keyMs)).p95),
  atMost('live soak: sockets missing in ls', 0, '', difference.missing),
  atMost('live soak: extra sockets in ls', 0, '', difference.extra),
];

/** Time after a storm in which its closed connections and its garbage go, seconds. */
const CALM_SECONDS = 60;

/** Returns the seconds from the end of a storm until every key is answered within 50 ms. */
function recovery(calm: readonly LiveCheckpoint[], endSeconds: number): number {
  const first = calm.findIndex((_, i) => calm.slice(i).every(({ keyMs: ms }) => ms <= 50));
  return (calm[first]?.seconds ?? Infinity) - endSeconds;
}

export function stormTargets({ megabytesBefore, checkpoints, stormCheckpoints }: StormFigures): Target[] {
  const endSeconds = checkpoints[stormCheckpoints - 1]?.seconds ?? 0;
  const storm = checkpoints.slice(0, stormCheckpoints);
  const calm = checkpoints.slice(stormCheckpoints);
  const later = calm.filter(({ seconds }) => seconds >= endSeconds + CALM_SECONDS);
  const megabytesLater = later.length === 0 ? undefined : Math.max(...later.map(megabytes));
  return [
    atMost('storm: memory', 200, 'MB', Math.max(...checkpoints.map(megabytes))),
    atMost('storm: key to prompt, p95', 100, 'ms', spreadOf(storm.map(keyMs)).p95),
    atMost('storm: time until every key is answered within 50 ms', 10, 's', recovery(calm, endSeconds)),
    atMost(
      'storm: memory a minute after it ÷ before it',
      1.1,
      '',
      megabytesLater === undefined ? undefined : megabytesLater / megabytesBefore,
    ),
  ];
}
