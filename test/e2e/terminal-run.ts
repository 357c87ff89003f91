// Runs netpane in a terminal whose state a test compares before, during and after the run.
import { readdirSync, readFileSync } from 'node:fs';
import type { Modes } from '../helpers/emulator.ts';
import { eventually } from '../helpers/herd.ts';
import { Terminal } from '../helpers/terminal.ts';
import { cleanUp, faults, program } from './netpane.ts';

export const size = { cols: 100, rows: 24 };
export const node = process.execPath;

/** Returns state letter and parent of a process (proc_pid_stat(5)); undefined if it has ended or is a zombie. */
export function processState(pid: number | string): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) ? undefined : { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Waits for the only child of a process and returns its pid. */
export const childOf = (parent: number): Promise<number> =>
  eventually(
    () => `a child of ${parent}`,
    () => {
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      return Number(pids.find((pid) => processState(pid)?.parent === parent)) || undefined;
    },
  );

/** Waits for the screen with the sockets of the first poll. */
export const onScreen = (t: Terminal, patience?: { timeoutMs: number }) => {
  const isRead = (text: string) => /(?: of |\d\/)[\d,]+$/m.test(text) && !text.includes('reading sockets');
  return t.until('the screen', () => t.modes().alternateScreen && isRead(t.text()), patience);
};

export interface Run {
  t: Terminal;
  pid: number;
  /** Waits for the end. Returns the exit code and the text on the screen since the start of netpane. */
  end: () => Promise<{ code: number; said: string }>;
  /** The state before the start, which netpane must restore. */
  before: { modes: Modes; tty: Record<string, boolean> };
  now: () => Run['before'];
}

/** Runs netpane from a script that does not repair the terminal and does not end with netpane. */
export async function run({ fault = '', faultFile = '', args = '' } = {}): Promise<Run> {
  const command = `${fault ? `NETPANE_FAULT=${fault} NETPANE_FAULT_FILE=${faultFile} ` : ''}${node} ${fault ? `--require ${faults} ` : ''}${program} ${args}`;
  // With `set -m` netpane is a separate job, as in an interactive shell.
  const script = `set -m; echo before; read -r; ${command}; echo "after=$?"; cat; :`;
  const t = Terminal.start({ ...size, command: 'bash', args: ['--norc', '-c', script] });
  cleanUp(() => t.close());
  await t.until('the script', () => t.text().includes('before'));
  const now = () => ({ modes: t.modes(), tty: t.ttyModes() });
  const before = now();
  t.press('enter');
  await onScreen(t);
  const end = async () => {
    const code = await t.until('the end', () => /^after=(\d+)$/m.exec(t.text())?.[1]);
    return {
      code: Number(code),
      said: t
        .text()
        .replace(/^after=[\s\S]*/m, '')
        .replace(/^before\n*/, '')
        .trim(),
    };
  };
  return { t, pid: await childOf(t.pid), end, before, now };
}
