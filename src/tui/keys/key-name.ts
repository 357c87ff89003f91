/** Names of keys that differ from those of blessed. */
const NAMES: Readonly<Record<string, string>> = {
  escape: 'esc',
  pageup: 'pgup',
  pagedown: 'pgdn',
  delete: 'del',
  insert: 'ins',
  // ctrl-j
  linefeed: 'enter',
};

/** Other spellings that the configuration accepts. */
const ALIASES: Readonly<Record<string, string>> = {
  escape: 'esc',
  return: 'enter',
  cr: 'enter',
  pageup: 'pgup',
  'page-up': 'pgup',
  pagedown: 'pgdn',
  'page-down': 'pgdn',
  delete: 'del',
  insert: 'ins',
  bs: 'backspace',
};

const CURSOR_KEYS = ['up', 'down', 'left', 'right', 'home', 'end', 'pgup', 'pgdn', 'ins', 'del'];
const FUNCTION_KEYS = Array.from({ length: 12 }, (_, i) => `F${i + 1}`);
const OTHER_KEYS = ['enter', 'esc', 'space', 'tab', 'backspace'];

/** Keys with a name, without modifiers. */
export const KEY_NAMES: readonly string[] = [...OTHER_KEYS, ...CURSOR_KEYS, ...FUNCTION_KEYS];

/** Letters with ctrl that a terminal sends as another key. */
const SAME_BYTE: Readonly<Record<string, string>> = { h: 'backspace', i: 'tab', j: 'enter', m: 'enter' };

/**
 * Returns netpane's name of a key: `p`, `P`, `ctrl-p`, `alt-x`, `shift-tab`, `F5`, `esc`.
 * @param full the name of blessed: `p`, `S-p`, `C-p`, `M-x`, `S-tab`, `f5`, `escape`
 */
export function keyName(full: string): string {
  const [, ctrl, alt, shift, base = full] = /^(C-)?(M-)?(S-)?([^]+)$/.exec(full) ?? [];
  if (ctrl && !alt && !shift && SAME_BYTE[base] !== undefined) return SAME_BYTE[base];
  const isLetter = /^[a-z]$/.test(base);
  const key = NAMES[base] ?? (/^f\d/.test(base) || (shift && isLetter) ? base.toUpperCase() : base);
  return `${ctrl ? 'ctrl-' : ''}${alt ? 'alt-' : ''}${shift && !isLetter ? 'shift-' : ''}${key}`;
}

/** Returns true if the key types a character. */
export const isCharacter = (key: string): boolean => key === 'space' || Array.from(key).length === 1;

/** A key of the configuration, or why it is none; `why` is empty for a text that names no key. */
export type ParsedKey = { readonly key: string } | { readonly why: string };

/**
 * Parses the name of a key as the help writes it, in any case: `ctrl-p`, `C-p`, `F5`, `page-up`. A text of two
 * characters that is no name, such as `gg`, is two keys one after the other.
 */
export function parseKey(text: string): ParsedKey {
  const [, prefixes = '', base = ''] =
    /^((?:(?:ctrl|control|alt|meta|shift|[cms])-)*)([^]+)$/i.exec(text) ?? [];
  const has = (pattern: RegExp) => pattern.test(prefixes);
  const [ctrl, alt, shift] = [
    has(/\bc(?:trl|ontrol)?-/i),
    has(/\bm(?:eta)?-|\balt-/i),
    has(/\bs(?:hift)?-/i),
  ];
  const lower = base.toLowerCase();
  const name = ALIASES[lower] ?? KEY_NAMES.find((it) => it.toLowerCase() === lower);
  const modifiers = `${ctrl ? 'ctrl-' : ''}${alt ? 'alt-' : ''}`;
  if (name !== undefined) {
    const isCursorKey = CURSOR_KEYS.includes(name) || FUNCTION_KEYS.includes(name);
    const canSend = prefixes === '' || isCursorKey || (name === 'tab' && shift && !ctrl && !alt);
    return canSend
      ? { key: `${modifiers}${shift ? 'shift-' : ''}${name}` }
      : { why: `terminals do not send ${text}` };
  }
  const { length } = Array.from(base);
  if (/[\p{C}\s]/u.test(base)) return { why: 'a key is a character or a name' };
  if (prefixes === '' && length <= 2) return { key: base };
  if (length > 1 || prefixes === '') return { why: '' };
  if (ctrl) {
    if (!/^[a-z]$/.test(lower) || alt || shift) return { why: `terminals do not send ${text}` };
    const same = SAME_BYTE[lower];
    return same === undefined
      ? { key: `ctrl-${lower}` }
      : { why: `terminals send the same for it and for ${same}` };
  }
  if (alt && !/^[a-z\d]$/i.test(base)) return { why: `terminals do not send ${text}` };
  if (shift && !/^[a-z]$/i.test(base)) return { why: `terminals do not send ${text}` };
  return { key: `${modifiers}${shift ? base.toUpperCase() : base}` };
}

const DIGITS = '123456789';

/** Returns keys as the help shows them: `up k`; `1 to 9` for nine digits. */
export const keysText = (keys: readonly string[]): string =>
  keys.join('') === DIGITS ? '1 to 9' : keys.join(' ');
