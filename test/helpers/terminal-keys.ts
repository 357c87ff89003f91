const keys = {
  enter: '\r',
  escape: '\x1b',
  tab: '\t',
  'shift-tab': '\x1b[Z',
  backspace: '\x7f',
  space: ' ',
  insert: '\x1b[2~',
  delete: '\x1b[3~',
  pageup: '\x1b[5~',
  pagedown: '\x1b[6~',
  f1: '\x1bOP',
  f5: '\x1b[15~',
  'ctrl-c': '\x03',
  'ctrl-d': '\x04',
  'ctrl-l': '\x0c',
  'ctrl-u': '\x15',
  'ctrl-z': '\x1a',
  'ctrl-backslash': '\x1c',
} as const;

/** Keys sent as ESC O … or ESC [ …, depending on the cursor-key mode that the program has set. */
const cursorKeys = { up: 'A', down: 'B', right: 'C', left: 'D', home: 'H', end: 'F' } as const;

/** Name of a key, for `press` of `Terminal`. */
export type KeyName = keyof typeof keys | keyof typeof cursorKeys;

/** Returns what a terminal sends for a key. */
export const sequenceOf = (name: KeyName, isApplicationMode: boolean): string =>
  name in cursorKeys
    ? (isApplicationMode ? '\x1bO' : '\x1b[') + cursorKeys[name as keyof typeof cursorKeys]
    : keys[name as keyof typeof keys];
