import type { Action } from '../store/actions.ts';
import { pictureOf } from '../store/picture.ts';
import { alertAction, alertLines } from './header/alerts.ts';
import { headerLines } from './header/header.ts';
import { promptHelp } from './header/prompt-line.ts';
import { filterLine, filterTabs, messageRest, type Share, shareText } from './header/query-line.ts';
import { questionLine, questionLines } from './header/question-line.ts';
import { hintKeyAt, hintLine, shownHints } from './hints.ts';
import { hasSecondCursor, nextFocus } from './layout.ts';
import { focusOn, KEYS_HERE } from './panes/focus.ts';
import { DO_NOTHING, type RegionName, type RegionRow, type Scene, type Unit } from './panes/pane.ts';
import { coversScreen, PANES, PANES_BY_RANK } from './panes/panes.ts';
import type { Line } from './text/line.ts';
import { columnAt, sortBy, wheelInTable } from './panes/table-pane.ts';
import { titleLine } from './table/rows.ts';

function shareOf({ state, order, events, layout }: Scene): Share {
  const { openCount: shown, hiddenCount: hidden, joinedCount: joined, foldedTimeWait: timeWait } = order;
  return {
    shown,
    hidden,
    joined,
    timeWait,
    total: state.nowMs === undefined ? undefined : pictureOf(state).open,
    ...(layout.table && {
      rows: {
        top: state.places.table.top,
        height: layout.table.height,
        // The line that folds TIME_WAIT says its count itself.
        length: state.group === null ? order.rowLines : order.length,
      },
    }),
    tooSlow: order.tooSlow ?? events.tooSlow,
  };
}

/** Returns the arguments of `shownHints`. */
const hintsOf = ({ state, keys, layout, focus }: Scene, width: number): Parameters<typeof shownHints> => [
  keys,
  state,
  width,
  hasSecondCursor(layout) ? { focus, next: nextFocus(layout, focus) } : undefined,
];

/** Returns the rest of a long question, for the line below it; undefined if there is none. */
function questionRest({ state: { question }, keys }: Scene, width: number): Line | undefined {
  const rest = question ? questionLines(question, keys, width)[1] : '';
  return rest === '' ? undefined : questionLine(rest);
}

/** Every region of the screen: the panes, and the lines around them. */
export const REGIONS: Readonly<Record<RegionName, RegionRow>> = {
  header: { lines: ({ state, keys }, { width, height }) => headerLines(state, keys, width, height) },
  filter: {
    lines: (scene, { width }) => {
      const { state, keys, layout } = scene;
      const { question } = state;
      return [
        question
          ? questionLine(questionLines(question, keys, width, layout.titles !== undefined)[0])
          : filterLine(state, keys, shareOf(scene), width, layout.titles !== undefined),
      ];
    },
    clickIn: (scene, { width }) => {
      const share = shareOf(scene);
      return (x) => {
        const tabs = filterTabs(scene.state, scene.keys, share, width);
        const view = tabs.find((tab) => x >= tab.left && x < tab.left + tab.width)?.view;
        return view ? [DO_NOTHING, { type: 'apply-view', view }] : [];
      };
    },
  },
  titles: {
    lines: (scene, { width }) => {
      const { state, columns, layout, focus } = scene;
      const mark = hasSecondCursor(layout) && focus === 'table' ? KEYS_HERE : '';
      const share = shareOf(scene);
      const whole = layout.filter?.width ?? width;
      return [
        questionRest(scene, whole) ??
          promptHelp(state, shareText(share), width) ??
          messageRest(state, scene.keys, share, whole) ??
          titleLine(columns, state, mark),
      ];
    },
    wheel: wheelInTable,
    clickIn:
      ({ columns }) =>
      (x, _, now) => {
        const placed = columnAt(columns, x);
        return [focusOn(now, 'table'), ...(placed ? [DO_NOTHING, sortBy(placed.column.id)] : [])];
      },
  },
  // Blank: no other region clears the cells between the table and the pane beside it.
  gap: { lines: () => [] },
  ...PANES,
  alerts: {
    lines: ({ state, keys }, { width, height }) => alertLines(state, keys, width, height),
    clickIn:
      () =>
      (_, y, { state }) => {
        const action = alertAction(state, y);
        return action ? [action] : [];
      },
  },
  hints: {
    lines: (scene, { width }) => [hintLine(...hintsOf(scene, width))],
    keyIn:
      (scene, { width }) =>
      (x) =>
        hintKeyAt(shownHints(...hintsOf(scene, width)), x),
  },
};

/** Every region, in the order in which they are painted. */
export const REGION_NAMES = Object.keys(REGIONS) as RegionName[];

const COVERING = PANES_BY_RANK.filter(coversScreen);
const NO_REGION = { left: 0, top: 0, width: 0, height: 0 };

/** Returns the action of a key that moves: in the pane that covers the screen, or in the one with the focus. */
export function move(scene: Scene, by: number, unit: Unit): Action {
  const { layout, focus } = scene;
  const name = COVERING.find((it) => layout[it]) ?? focus;
  return PANES[name].move?.(scene, layout[name] ?? NO_REGION, by, unit) ?? DO_NOTHING;
}
