import type { Action } from '../../store/actions.ts';
import { countText } from '../text/format.ts';
import { type Line, line, span } from '../text/line.ts';
import { cutEnd, displayWidth, fit } from '../text/width.ts';
import { type Command, commandsOf, searchCommands } from './command-search.ts';
import { paneTitle } from './events.ts';
import { linesIn, type PaneRow, type Scene } from './pane.ts';
import { firstKey } from '../header/key-help.ts';
import { around, type Part } from '../text/position.ts';

/** Widths in cells. */
const MARGIN = 2;
const GAP = 2;
const MAX_NAME = 40;
const MAX_KEYS = 14;
/** Minimum width of the descriptions; a narrower pane has only that of the chosen command, in its title. */
const MIN_ABOUT = 36;
const MIN_ABOUT_IN_TITLE = 20;

/** Returns the commands that the typed text finds. */
const foundCommands = ({ state, keys }: Scene): readonly Command[] =>
  searchCommands(commandsOf(keys, state), state.prompt?.text ?? '');

/** Returns the index of the chosen command; -1 if none is found. */
const chosenAt = ({ state }: Scene, count: number): number => Math.min(state.prompt?.at ?? 0, count - 1);

const isSame = (a: Command | undefined, b: Command | undefined): boolean =>
  a !== undefined && a.id === b?.id && a.index === b.index;

/** Returns the command that enter runs; undefined if none is found. */
export function chosenCommand(scene: Scene): Command | undefined {
  const found = foundCommands(scene);
  return found[chosenAt(scene, found.length)];
}

/** Returns the commands that are visible. @param height lines of the pane */
const visiblePart = ({ state: { prompt } }: Scene, height: number, length: number, at: number): Part =>
  around({ top: prompt?.top ?? 0, height: Math.max(1, height - 1), length }, at);

/** Returns the action that chooses the command nearest to an index, and scrolls as little as needed. */
function choose(scene: Scene, height: number, length: number, index: number): Action {
  const at = Math.max(0, Math.min(index, length - 1));
  const { top } = visiblePart(scene, height, length, chosenAt(scene, length));
  return {
    type: 'choose-command',
    at,
    top: around({ top, height: Math.max(1, height - 1), length }, at).top,
  };
}

/** Chooses another command. */
const move: NonNullable<PaneRow['move']> = (scene, { height }, by, unit) => {
  const { length } = foundCommands(scene);
  const page = Math.max(1, height - 2);
  return choose(scene, height, length, chosenAt(scene, length) + by * linesIn(unit, page, length));
};

const keysWidthIn = (width: number, nameWidth: number): number =>
  Math.min(MAX_KEYS, Math.max(0, width - MARGIN - nameWidth - GAP));

/** Returns the cells that are left for a description. */
const aboutWidth = (width: number, nameWidth: number): number =>
  width - MARGIN - nameWidth - 2 * GAP - keysWidthIn(width, nameWidth);

/** Returns the title line, with the description of the chosen command if the lines have no room for theirs. */
function titleLine(position: string, about: string, width: number, hasAbout: boolean): Line {
  const room = width - displayWidth(`COMMANDS  ${position}  `);
  const isShown = hasAbout && room >= MIN_ABOUT_IN_TITLE;
  return paneTitle('COMMANDS', isShown ? `${position}  ${cutEnd(about, room)}` : position, width);
}

function commandLine(
  { name, label, about }: Command,
  width: number,
  nameWidth: number,
  selected: boolean,
): Line {
  const keysWidth = keysWidthIn(width, nameWidth);
  const left = aboutWidth(width, nameWidth);
  return {
    spans: [
      span(`${' '.repeat(MARGIN)}${fit(cutEnd(name, nameWidth), nameWidth)}${' '.repeat(GAP)}`),
      span(fit(cutEnd(label, keysWidth), keysWidth), selected ? 'plain' : 'accent'),
      ...(left < MIN_ABOUT
        ? []
        : [span(`${' '.repeat(GAP)}${cutEnd(about, left)}`, selected ? 'plain' : 'quiet')]),
    ],
    selected,
  };
}

function commandLines(scene: Scene, width: number, height: number): readonly Line[] {
  const all = commandsOf(scene.keys, scene.state);
  const found = foundCommands(scene);
  const at = chosenAt(scene, found.length);
  const { top, height: rows } = visiblePart(scene, height, found.length, at);
  const last = Math.min(top + rows, found.length);
  if (found.length === 0)
    return [
      paneTitle('COMMANDS', '', width),
      line(span(cutEnd('  no action matches: type another word', width), 'quiet')),
    ];
  const position = `${top + 1}–${last} of ${countText(found.length)}`;
  // The column is as wide as the longest name of all commands, so that it stays while the text is typed.
  const widest = Math.max(...all.map(({ name }) => displayWidth(name)));
  const nameWidth = Math.min(MAX_NAME, widest, Math.max(1, width - MARGIN - GAP - MAX_KEYS));
  const title = titleLine(position, found[at]?.about ?? '', width, aboutWidth(width, nameWidth) < MIN_ABOUT);
  return [title, ...found.slice(top, last).map((it, i) => commandLine(it, width, nameWidth, top + i === at))];
}

/** Returns the command at each line of the pane; undefined where there is none. */
function commandAt(scene: Scene, height: number): (y: number) => Command | undefined {
  const found = foundCommands(scene);
  const { top } = visiblePart(scene, height, found.length, chosenAt(scene, found.length));
  return (y) => (y >= 1 ? found[top + y - 1] : undefined);
}

/** The command palette, which covers the screen while its prompt is open. */
export const COMMANDS: PaneRow = {
  position: { where: 'screen' },
  rank: 0.5,
  lines: (scene, { width, height }) => commandLines(scene, width, height),
  move,
  clickIn: (scene, { height }) => {
    const commandIn = commandAt(scene, height);
    return (_x, y, now) => {
      const command = commandIn(y);
      const found = foundCommands(now);
      const index = found.findIndex((it) => isSame(it, command));
      return index < 0 ? [] : [choose(now, height, found.length, index)];
    };
  },
  keyIn: (scene, { height }) => {
    const commandIn = commandAt(scene, height);
    return (_x, y, now, isDouble) =>
      // Another text may have been typed between the two clicks.
      isDouble && isSame(commandIn(y), chosenCommand(now)) ? firstKey(now.keys, 'prompt-accept') : undefined;
  },
};
