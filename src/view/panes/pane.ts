import type { Action } from '../../store/actions.ts';
import type { Hint } from '../../store/prompts.ts';
import type { Focus, PaneName } from '../../store/panes.ts';
import type { State } from '../../store/state.ts';
import type { KeyHelp } from '../header/key-help.ts';
import type { RowOrder } from '../table/order.ts';
import type { PlacedColumn } from '../table/place.ts';
import type { Line } from '../text/line.ts';
import type { ShownEvents } from './shown-events.ts';

/** A part of the screen, in cells. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The table, the panes that keys open and close, the open list, and the commands of the palette. */
export type Pane = 'table' | PaneName | 'list' | 'commands';

export type RegionName = 'header' | 'filter' | 'titles' | 'gap' | 'alerts' | 'hints' | Pane;

/** The region of each visible part; a closed part, or one without room, is missing. */
export type Layout = Readonly<Partial<Record<RegionName, Region>>>;

/** Objects derived from the state and kept from paint to paint, because deriving them again would take too long. */
export interface Derived {
  readonly order: RowOrder;
  readonly events: ShownEvents;
}

/** The data that the lines of the screen are made from, and that keys and the mouse act on. */
export interface Scene extends Derived {
  readonly state: State;
  readonly layout: Layout;
  /** The pane in which keys move. */
  readonly focus: Focus;
  /** Visible columns, in order. */
  readonly columns: readonly PlacedColumn[];
  /** The keys that the help shows. */
  readonly keys: readonly KeyHelp[];
}

/** Unit of the moves of a key: lines, half pages, pages, or all lines, to an end. */
export type Unit = 'row' | 'half' | 'page' | 'all';

/** Returns the lines of a move. @param all lines that reach the end from anywhere */
export const linesIn = (unit: Unit, page: number, all: number): number =>
  ({ row: 1, half: Math.max(1, Math.floor(page / 2)), page, all })[unit];

/**
 * Returns what a click does.
 * @param x cells from the corner of the region, as `y`
 * @param now the scene at the click
 * @param isDouble true for the second click of a double-click
 */
export type Click = (x: number, y: number, now: Scene, isDouble: boolean) => readonly Action[];

/** Returns the name of the key that a click presses; undefined if it presses none. Parameters as in `Click`. */
export type ClickedKey = (x: number, y: number, now: Scene, isDouble: boolean) => string | undefined;

/** The functions of a region of the screen: its lines, and the actions of the mouse in it. */
export interface RegionRow {
  /** Returns the lines from the top; missing ones are blank. */
  readonly lines: (scene: Scene, region: Region) => readonly Line[];
  /**
   * Returns what a click on the picture of a scene does. It must keep what it needs of `order` and `events`: a click
   * means the picture that the user sees, though rows may have moved since.
   */
  readonly clickIn?: (scene: Scene, region: Region) => Click;
  /** Returns which key a click on the picture of a scene presses, after its actions. */
  readonly keyIn?: (scene: Scene, region: Region) => ClickedKey;
  /** Returns what the wheel does; without it, it moves as a key does. @param by lines */
  readonly wheel?: (now: Scene, by: number) => readonly Action[];
}

/** Inputs for the number of lines of a pane below the table. */
export interface Room {
  /** Lines of the table and all panes below it. */
  readonly all: number;
  /** Lines of them that less important panes have not taken. */
  readonly left: number;
  /** Lines of them that the rows would leave empty, for the most important open pane; 0 for the others. */
  readonly empty: number;
  /** True if the details show traffic and need more lines. */
  readonly traffic: boolean;
}

/** Position of a pane. */
export type PanePosition =
  /** In the room that the others leave. */
  | { readonly where: 'rest' }
  /** Over the table and all other panes. */
  | { readonly where: 'screen' }
  /** Above the table, in this number of lines, unless a pane below needs the room. */
  | { readonly where: 'above'; readonly lines: number }
  /** Below the table, in the lines it would like to have; or beside it on a screen of at least `besideFrom` cells. */
  | {
      readonly where: 'below';
      readonly lines: (room: Room) => number;
      readonly besideFrom?: number;
    };

/** A key that opens and closes a pane. */
export type PaneKey = Omit<KeyHelp, 'group' | 'label' | 'place'>;

/** Everything that belongs to a pane. */
export interface PaneRow extends RegionRow {
  readonly position: PanePosition;
  /** Importance, 1 first: which pane keeps its room on a low screen, and which one `esc` closes first. */
  readonly rank: number;
  /** Its name in the hint of the key that goes to it; absent if it cannot have the focus. */
  readonly title?: string;
  /** The key that opens and closes it; absent if another action opens it. */
  readonly key?: PaneKey;
  /** Returns the hints of a pane with keys of its own while it is open; else undefined. */
  readonly hints?: (
    state: Pick<State, 'panes' | 'list' | 'helpQuery' | 'hideRules' | 'views'>,
  ) => readonly Hint[] | null | undefined;
  /** Moves its cursor or scrolls it; absent if the pane cannot have the focus. @param region zero if it has no room */
  readonly move?: (scene: Scene, region: Region, by: number, unit: Unit) => Action;
}

/** Removes the message of the last key and does nothing else. */
export const DO_NOTHING: Action = { type: 'message', message: null };
