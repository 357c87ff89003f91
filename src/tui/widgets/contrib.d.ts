/** Types of the one widget of blessed-contrib that is used: its own types cover only the whole package. */
declare module 'blessed-contrib/lib/widget/sparkline.js' {
  import type { Widgets } from 'blessed';

  interface SparklineElement extends Widgets.BoxElement {
    /** Titles may hold tags; values are finite. */
    setData(titles: readonly string[], datasets: readonly (readonly number[])[]): void;
  }
  export default function sparkline(
    options: Widgets.BoxOptions & { style: { titleFg: string; fg: number | string } },
  ): SparklineElement;
}
