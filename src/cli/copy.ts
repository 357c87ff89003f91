import { readFileSync } from 'node:fs';
import { printableCells, copySequence } from '../tui/clipboard.ts';
import type { Message } from '../store/state.ts';
import type { Environment } from './config/paths.ts';
import { messageOf } from './errors.ts';
import { loadTmuxBuffer } from './tmux.ts';

/** Variables by which tmux and screen make themselves known. */
const MULTIPLEXER = ['TMUX', 'TMUX_PANE', 'STY'];

/**
 * Returns the environment with the variables of tmux and screen. sudo removes them, but its own process, the parent,
 * still has them.
 * @param parentEnvironment returns the environment of the parent as proc(5) has it; throws if it cannot be read
 */
export function withMultiplexer(
  environment: Environment,
  parentEnvironment = () => readFileSync(`/proc/${process.ppid}/environ`, 'utf8'),
): Environment {
  const isFromSudo = environment['SUDO_UID'] !== undefined;
  if (!isFromSudo || environment['TMUX'] !== undefined || environment['STY'] !== undefined)
    return environment;
  try {
    const lines = parentEnvironment().split('\0');
    const found = MULTIPLEXER.flatMap((name) => {
      const line = lines.find((it) => it.startsWith(`${name}=`));
      return line === undefined ? [] : [[name, line.slice(name.length + 1)]];
    });
    return { ...environment, ...(Object.fromEntries(found) as Environment) };
  } catch {
    return environment;
  }
}

/**
 * Copies a text to the clipboard of the user's terminal. Inside tmux it goes through `tmux load-buffer -w`, because tmux
 * ignores OSC 52 of programs by default; elsewhere, and if that fails, by OSC 52.
 * @param what names the copied text in the message
 * @param write writes to the terminal
 * @returns a message that says what was copied and how. Never rejects.
 */
export async function copyText(
  text: string,
  what: string,
  write: (sequence: string) => void,
  environment: Environment,
): Promise<Message> {
  try {
    // Throws if the text is too long, whichever way it takes.
    const sequence = copySequence(text, environment);
    const inTmux = await loadTmuxBuffer(printableCells(text), environment);
    if (inTmux !== 'clipboard') write(sequence);
    return { text: `copied ${what} · ${wayText(inTmux, environment)}`, isError: false };
  } catch (error) {
    return { text: messageOf(error), isError: true };
  }
}

/** Returns how a text was copied, "if allowed" where netpane cannot know: a terminal does not say if it obeys OSC 52. */
function wayText(inTmux: 'clipboard' | 'buffer' | undefined, { TMUX, STY }: Environment): string {
  if (inTmux === 'clipboard') return 'tmux buffer and clipboard';
  if (inTmux === 'buffer') return 'tmux buffer, and clipboard if allowed';
  if (TMUX) return 'OSC 52 through tmux, if allowed';
  return STY ? 'OSC 52 through screen, if allowed' : 'OSC 52, if allowed';
}
