import type { Widgets } from 'blessed';
import type { Palette } from '../../store/state.ts';
import type { Tick } from '../../store/counts.ts';
import { graphSeries, type Series } from '../../view/panes/graph.ts';
import type { Region } from '../../view/panes/pane.ts';
import { cutEnd, displayWidth } from '../../view/text/width.ts';
import { colour } from '../theme.ts';

type Sparkline = ReturnType<(typeof import('blessed-contrib/lib/widget/sparkline.js'))['default']>;

const TONES = { sockets: 'accent', opened: 'spawned', closed: 'closed', traffic: 'plain' } as const;

/** Maximum number of series. */
const SPARKLINES = Object.keys(TONES).length;

const GAP = 2;

/** The graph strip: sparklines side by side. Loads blessed-contrib when first shown. */
export class GraphWidget {
  readonly #screen: Widgets.Screen;
  readonly #onLoaded: () => void;
  #sparklines: readonly Sparkline[] | undefined;
  #loading = false;

  /** @param onLoaded called once the widgets are loaded and must be painted */
  constructor(screen: Widgets.Screen, onLoaded: () => void) {
    this.#screen = screen;
    this.#onLoaded = onLoaded;
  }

  /** Sets the contents for the next render; undefined as region hides the strip. */
  show(region: Region | undefined, history: readonly Tick[], nowMs: number, palette: Palette): void {
    if (region === undefined) {
      for (const sparkline of this.#sparklines ?? []) sparkline.hide();
      return;
    }
    if (this.#sparklines === undefined) {
      void this.#load();
      return;
    }
    const count = history.at(-1)?.rxRate === undefined ? SPARKLINES - 1 : SPARKLINES;
    const width = Math.max(1, Math.floor((region.width - GAP * (count - 1)) / count));
    // The widget reserves two cells at its right for a border, which it does not have here.
    const all = graphSeries(history, nowMs, width - 2);
    for (const [i, sparkline] of this.#sparklines.entries()) {
      const series = i < count ? all[i] : undefined;
      if (series) place(sparkline, region, i * (width + GAP), width, series, palette);
      else sparkline.hide();
    }
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    const { default: sparkline } = await import('blessed-contrib/lib/widget/sparkline.js');
    this.#sparklines = Array.from({ length: SPARKLINES }, () => {
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
  { name, summary, short, values }: Series,
  palette: Palette,
): void {
  sparkline.show();
  sparkline.left = region.left + left;
  sparkline.top = region.top;
  sparkline.width = width;
  sparkline.height = region.height;
  (sparkline.style as { fg: number | string }).fg = colour(palette, TONES[name]) ?? 'default';
  const titles = [`${name} ${summary}`.trimEnd(), `${name} ${short}`, name];
  const title = titles.find((it) => displayWidth(it) <= width) ?? cutEnd(name, width);
  sparkline.setData([title], [values]);
  // The widget starts with an empty line for a border and adds a colon to its title.
  sparkline.setContent(sparkline.getContent().trimStart().replace(`${title}:`, title));
}
