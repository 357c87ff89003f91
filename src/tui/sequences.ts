/**
 * Makes any terminal itself again, whatever blessed has made of it: mouse reports, cursor and keypad keys, cursor, scroll
 * region, character set and attributes, and the normal screen last, which also puts the cursor back.
 */
export const EMERGENCY_RESTORE =
  '\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>\x1b[?25h\x1b[r\x1b(B\x1b[m\x1b[?1049l';
