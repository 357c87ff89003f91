import type { Widgets } from 'blessed';
import type { Palette } from '../../store/state.ts';
import type { Tick } from '../../store/table.ts';
import { graphSeries, type Series } from '../../view/graph.ts';
import type { Region } from '../../view/layout.ts';
import { cutEnd } from '../../view/width.ts';
import { colour } from '../theme.ts';

type Sparkline = ReturnType<(typeof import('blessed-contrib/lib/widget/sparkline.js'))['default']>;

const TONES = { sockets: 'accent', opened: 'spawned', closed: 'closed' } as const;

const GAP = 2;

/** The graph strip: three sparklines side by side. blessed-contrib is loaded when it is first shown. */
export class GraphWidget {
  readonly #screen: Widgets.Screen;
  readonly #onLoaded: () => void;
  #sparklines: readonly Sparkline[] | undefined;
  #loading = false;

  /** @param onLoaded called once the widgets are there, for them to be painted */
  constructor(screen: Widgets.Screen, onLoaded: () => void) {
    this.#screen = screen;
    this.#onLoaded = onLoaded;
  }

  /** What to show at the next rendering; without a region nothing. */
  show(region: Region | undefined, history: readonly Tick[], nowMs: number, palette: Palette): void {
    if (region === undefined) {
      for (const sparkline of this.#sparklines ?? []) sparkline.hide();
      return;
    }
    if (this.#sparklines === undefined) {
      void this.#load();
      return;
    }
    const width = Math.max(1, Math.floor((region.width - GAP * 2) / 3));
    // The widget keeps two cells free at its right, for a border it does not have here.
    for (const [i, series] of graphSeries(history, nowMs, width - 2).entries()) {
      const sparkline = this.#sparklines[i];
      if (sparkline) place(sparkline, region, i * (width + GAP), width, series, palette);
    }
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    const { default: sparkline } = await import('blessed-contrib/lib/widget/sparkline.js');
    this.#sparklines = [0, 1, 2].map(() => {
      const element = sparkline({ tags: true, wrap: false, style: { titleFg: 'default', fg: 'default' } });
      this.#screen.append(element);
      return element;
    });
    this.#onLoaded();
  }
}

function place(
  sparkline: Sparkline,
  region: Region,
  left: number,
  width: number,
  { name, summary, values }: Series,
  palette: Palette,
): void {
  sparkline.show();
  sparkline.left = region.left + left;
  sparkline.top = region.top;
  sparkline.width = width;
  sparkline.height = region.height;
  (sparkline.style as { fg: number | string }).fg = colour(palette, TONES[name]) ?? 'default';
  const title = cutEnd(`${name} ${summary}`.trimEnd(), width);
  sparkline.setData([title], [values]);
  // The widget begins with an empty line, for a border, and puts a colon behind its title.
  sparkline.setContent(sparkline.getContent().trimStart().replace(`${title}:`, title));
}
