import type { Terminal } from './terminal.ts';
import type { State } from '../store/state.ts';
import { sceneOf } from '../view/arrange.ts';
import type { KeyHelp } from '../view/header/key-help.ts';
import type {
  Click,
  ClickedKey,
  Derived,
  Layout,
  Region,
  RegionName,
  RegionRow,
} from '../view/panes/pane.ts';
import { REGION_NAMES, REGIONS } from '../view/screen.ts';
import { GraphWidget } from './widgets/graph.ts';
import { LinesWidget } from './widgets/lines.ts';

/** A visible region of a painted screen, to interpret the mouse. */
export interface PaintedRegion extends Pick<RegionRow, 'wheel'> {
  readonly region: Region;
  /** Absent if a click does nothing. */
  readonly click?: Click | undefined;
  /** Absent if a click presses no key. */
  readonly keyAt?: ClickedKey | undefined;
}

const isSameRegion = (one: Region | undefined, other: Region | undefined): boolean =>
  one === other ||
  (one !== undefined &&
    other !== undefined &&
    one.left === other.left &&
    one.top === other.top &&
    one.width === other.width &&
    one.height === other.height);

/** Paints the state with the widgets of blessed. */
export class Painter {
  readonly #screen: Terminal['screen'];
  readonly #widgets: readonly (readonly [RegionName, LinesWidget])[];
  readonly #graph: GraphWidget;
  readonly #keys: readonly KeyHelp[];
  #layout: Layout = {};

  /**
   * @param keys the actions with the keys in effect
   * @param onLoaded called when a widget that was loaded late must be painted
   */
  constructor(screen: Terminal['screen'], keys: readonly KeyHelp[], onLoaded: () => void) {
    this.#screen = screen;
    this.#keys = keys;
    this.#graph = new GraphWidget(screen, onLoaded);
    this.#widgets = REGION_NAMES.map((name) => [name, new LinesWidget(screen)] as const);
  }

  /** Paints an arranged state. Returns what the user sees now. */
  paint(state: State, derived: Derived, layout: Layout): readonly PaintedRegion[] {
    const { palette, table, nowMs = 0 } = state;
    const scene = sceneOf(state, derived, this.#keys, layout);
    const painted: PaintedRegion[] = [];
    const before = this.#layout;
    this.#layout = scene.layout;
    // The widget of the graph also writes to cells outside its region.
    const hasSameLayout =
      !scene.layout.graph && REGION_NAMES.every((name) => isSameRegion(before[name], scene.layout[name]));
    for (const [name, widget] of this.#widgets) {
      const region = scene.layout[name];
      const { lines, clickIn, keyIn, wheel } = REGIONS[name];
      widget.show(region, region ? lines(scene, region) : [], palette, hasSameLayout);
      if (!region) continue;
      const [click, keyAt] = [clickIn?.(scene, region), keyIn?.(scene, region)];
      painted.push({ region, click, keyAt, ...(wheel && { wheel }) });
    }
    this.#graph.show(scene.layout.graph, table.history, nowMs, palette);
    this.#screen.render();
    return painted;
  }
}
