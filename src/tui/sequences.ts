/**
 * Restores any terminal after blessed: pastes, mouse reports, cursor and keypad keys, cursor, scroll region, character set,
 * attributes, and last the normal screen, which also restores the cursor position.
 */
export const EMERGENCY_RESTORE =
  '\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>\x1b[?25h\x1b[r\x1b(B\x1b[m\x1b[?1049l';

/** Makes the terminal mark pasted text, so that it is not read as keys (bracketed paste, since xterm 2002). */
export const MARK_PASTES = '\x1b[?2004h';

/** Makes the terminal send pasted text like typed text again. */
export const UNMARK_PASTES = '\x1b[?2004l';
