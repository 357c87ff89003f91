/** Types of the files of blessed that are used: its own types cover only the whole package. */

declare module 'blessed/lib/widgets/screen.js' {
  import type { Widgets } from 'blessed';
  const screen: {
    (options: Widgets.IScreenOptions): Widgets.Screen;
    /** `alloc` makes all cells blank, and clears the terminal. */
    readonly prototype: { alloc: (this: never, isDirty?: boolean) => void };
  };
  export default screen;
}

declare module 'blessed/lib/widgets/box.js' {
  import type { Widgets } from 'blessed';
  const box: (options: Widgets.BoxOptions) => Widgets.BoxElement;
  export default box;
}

declare module 'blessed/lib/unicode.js' {
  const unicode: { charWidth: (text: string, at?: number) => number };
  export default unicode;
}

declare module 'blessed/lib/colors.js' {
  /** `ccolors` maps the 256 colours of xterm to the eight of a simple terminal. */
  const colors: { readonly ccolors: Record<number, number> };
  export default colors;
}

declare module 'blessed/lib/tput.js' {
  const tput: {
    /** Reads and compiles the terminfo of a terminal. The result has a method for each capability in `strings`. */
    (options: { readonly terminal: string }): {
      readonly strings: Readonly<Record<string, string>>;
      readonly [capability: string]: unknown;
    };
    /** Directories that blessed searches for terminfo. */
    readonly ipaths: unknown[];
    readonly prototype: {
      /** Compiles a capability of terminfo into a function; returns a boolean or number as it is. */
      _compile: (this: unknown, info: object, name: string, value: unknown) => unknown;
    };
  };
  export default tput;
}
