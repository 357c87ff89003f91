import { counted } from '../../model/text.ts';
import { parseQuery } from '../../query/query.ts';
import type { Action } from '../../store/actions.ts';
import type { Diagnosis } from '../../store/diagnosis.ts';
import type { Absence, State } from '../../store/state.ts';
import { countText, durationText } from '../text/format.ts';
import type { Line } from '../text/line.ts';
import { GAP, spread, type Word } from '../text/spread.ts';
import { cutEnd, displayWidth } from '../text/width.ts';
import { nameText } from '../text/program-text.ts';
import { firstKey, type KeyHelp } from './key-help.ts';
import { diagnosisAbout, diagnosisQuery, diagnosisTexts } from './diagnosis-text.ts';

/** Returns the sign of a diagnosis: its key, which a narrow pane shows nowhere else; `!` without a key. */
export const diagnosisSign = (keys: readonly KeyHelp[]): string => firstKey(keys, 'diagnosis') ?? '!';

/** Maximum number of diagnoses through which the key goes. */
const MAX_DIAGNOSES = 50;
/** Maximum number of names of programs in the report about an absence. */
const MAX_NAMES = 3;

/** Returns the diagnoses with the queries that show them, and the index of the one that the query shows now, or -1. */
function chosenDiagnosis({ table, query }: State): {
  readonly all: readonly Diagnosis[];
  readonly queries: readonly string[];
  readonly at: number;
} {
  const all = table.diagnoses.slice(0, MAX_DIAGNOSES);
  const queries = all.map((it) => diagnosisQuery(it, table.seen.namespaces));
  return { all, queries, at: query.text === '' ? -1 : queries.indexOf(query.text) };
}

/** Returns the action that filters to the first diagnosis, or to the next one if the query shows one already. */
export function showDiagnosis(state: State): Action {
  const { queries, at } = chosenDiagnosis(state);
  const next = queries[(at + 1) % Math.max(1, queries.length)];
  const say = (text: string, isError: boolean): Action => ({ type: 'message', message: { text, isError } });
  if (next === undefined) return say('no diagnosis: netpane sees nothing wrong', false);
  const parsed = parseQuery(next);
  return 'query' in parsed
    ? { type: 'query', query: parsed.query }
    : say(`the diagnosis cannot be shown: ${parsed.problem.message}`, true);
}

function diagnosisLine(state: State, keys: readonly KeyHelp[], width: number): Line | undefined {
  const { all, at } = chosenDiagnosis(state);
  const diagnosis = all[Math.max(0, at)];
  if (diagnosis === undefined) return undefined;
  const count = all.length > 1 ? `${Math.max(0, at) + 1} of ${all.length}` : '';
  const key = firstKey(keys, 'diagnosis');
  const what = at < 0 ? 'shows them' : all.length > 1 ? 'shows the next' : '';
  const hint = key === undefined || what === '' ? '' : `${key} ${what}`;
  const tone = diagnosis.isOver ? 'quiet' : 'warning';
  const hints = [count, hint].filter((it) => it !== '').join('  ');
  const right: Word[] = hints === '' ? [] : [{ text: hints, short: count, tone: 'accent', rank: 2 }];
  const room = width - (count === '' ? 0 : displayWidth(count) + GAP);
  const texts = diagnosisTexts(diagnosis, state.nowMs ?? 0).map((it) => `${diagnosisSign(keys)} ${it}`);
  const [text = '', , shortest = ''] = texts;
  const short = texts.find((it) => displayWidth(it) <= room) ?? cutEnd(shortest, room);
  return spread(
    [
      { text, short, tone, rank: 1 },
      { text: diagnosisAbout(diagnosis), short: '', tone: 'quiet', rank: 4 },
    ],
    right,
    width,
  );
}

/** Returns the report about an absence, in as many words as fit: `since you last looked, 14m ago: +14 −12 · …`. */
function absenceLine({ forMs, spawned, closed, listeners, programs }: Absence, width: number): Line {
  const changes = [
    `+${countText(spawned)} −${countText(closed)}`,
    ...(listeners === 0 ? [] : [counted(listeners, 'new listener')]),
  ];
  /** Joins the changes and a text about the programs that had no socket before. */
  const join = (text: string) => [...changes, ...(programs.length === 0 ? [] : [text])].join(' · ');
  const full = join(`${counted(programs.length, 'program')} not seen before`);
  const names = programs.slice(0, MAX_NAMES).map(nameText);
  const more = programs.length > MAX_NAMES ? ', …' : '';
  const time = durationText(forMs);
  const texts = [
    `since you last looked, ${time} ago: ${full}${names.length === 0 ? '' : `: ${names.join(', ')}${more}`}`,
    `since you last looked, ${time} ago: ${full}`,
    `${time} away: ${full}`,
    full,
    join(counted(programs.length, 'new program')),
  ];
  const text = texts.find((it) => displayWidth(it) <= width) ?? cutEnd(texts.at(-1) ?? '', width);
  return spread([{ text, tone: 'accent', rank: 1 }], [], width);
}

/** Returns the number of alert lines to show: about the absence of the user, and a diagnosis. */
export const alertCount = ({ absence, table }: State): number =>
  (absence === null ? 0 : 1) + (table.diagnoses.length > 0 ? 1 : 0);

/** Returns the lines about the absence of the user and the diagnosis; without room for both, the first. */
export const alertLines = (state: State, keys: readonly KeyHelp[], width: number, height: number): Line[] =>
  [
    ...(state.absence ? [absenceLine(state.absence, width)] : []),
    ...[diagnosisLine(state, keys, width)].filter((it) => it !== undefined),
  ].slice(0, height);

/** Returns what a click on one of these lines does; undefined if nothing. */
export const alertAction = (state: State, y: number): Action | undefined =>
  y === (state.absence === null ? 0 : 1) ? showDiagnosis(state) : undefined;
