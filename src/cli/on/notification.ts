import type { Environment } from '../config/paths.ts';

/** Script of AppleScript that shows its arguments: it contains no text from outside. */
const APPLE_SCRIPT = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
].flatMap((line) => ['-e', line]);

/** notify-send(1) reads the body as markup. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * Returns the command that shows a notification of the desktop: that of macOS, or else of the Desktop Notifications
 * Specification. @param text printable; it may start with any character
 */
export const notificationCommand = (text: string, platform: NodeJS.Platform): readonly string[] =>
  platform === 'darwin'
    ? ['osascript', ...APPLE_SCRIPT, 'netpane', text]
    : ['notify-send', '--app-name=netpane', '--', 'netpane', escaped(text)];

/** Returns the environment of that command: it has the session bus of the user, which sudo does not pass on. */
export const sessionEnvironment = (environment: Environment, uid: number): Environment => ({
  ...environment,
  XDG_RUNTIME_DIR: `/run/user/${uid}`,
  DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${uid}/bus`,
});
