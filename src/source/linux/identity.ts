import type { Owner } from '../../model/socket.ts';
import { LIMIT, type Proc } from './proc.ts';
import { fullName, parseCommandLine, parseStat, startedAtMs } from './process.ts';

export interface IdentityOptions {
  readonly proc: Proc;
  readonly userOf: (uid: number) => string | undefined;
  /** Start of the machine, milliseconds since 1970; without it no process has a start time. */
  readonly bootTimeMs: number | undefined;
}

/** Reads from /proc who a process is. */
export class Identities {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * Who a process is now; undefined when it is gone.
   * @param folder where its threads live; see `livingThreadFolder`
   */
  of(pid: number, folder = String(pid)): Owner | undefined {
    const { proc, userOf, bootTimeMs } = this.#options;
    const text = proc.text(`${pid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    // Gone since its descriptors were read: what is known of it already is all there will be.
    if (stat === undefined) return undefined;
    // A first thread that has ended has no memory any more: its command line is empty, and its file is not there.
    const living =
      stat.isLeaderGone && folder === String(pid) ? (this.livingThreadFolder(pid) ?? folder) : folder;
    const commandLine = proc.text(`${living}/cmdline`, LIMIT.commandLine);
    const command =
      'value' in commandLine ? parseCommandLine(commandLine.value, commandLine.isCut) : undefined;
    const link = proc.link(`${living}/exe`);
    const exe = 'value' in link ? link.value : undefined;
    const directory = proc.stat(`${pid}`);
    const user = 'value' in directory ? userOf(directory.value.uid) : undefined;
    return {
      knowledge: 'exact',
      pid,
      process: fullName(stat.comm, exe, command?.words),
      ...(command !== undefined && { command: command.text }),
      ...(exe !== undefined && { exe }),
      ...(user !== undefined && { user }),
      ...(bootTimeMs !== undefined && {
        startedAtMs: startedAtMs(bootTimeMs, stat.startTicks),
      }),
    };
  }

  /**
   * A text that differs when the program of a process has another name, or is another program (execve(2) gives its
   * arguments another place in memory); undefined when it cannot be read. Costs one small file: that of a thread, for
   * that of the process sums up all its threads (fs/proc/array.c, do_task_stat).
   */
  signatureOf(pid: number): string | undefined {
    const text = this.#options.proc.text(`${pid}/task/${pid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    return stat && `${stat.startTicks} ${stat.argumentsAt} ${stat.comm}`;
  }

  /** Folder of a thread that lives, of a process whose first thread has ended; undefined when there is none. */
  livingThreadFolder(pid: number): string | undefined {
    const { proc } = this.#options;
    const threads = proc.names(`${pid}/task`);
    if (!('value' in threads)) return undefined;
    for (const tid of threads.value) {
      const folder = `${pid}/task/${tid}`;
      // Only what has memory has a file that it runs.
      if (tid !== String(pid) && 'value' in proc.link(`${folder}/exe`)) return folder;
    }
    return undefined;
  }
}

export const sameOwner = (a: Owner, b: Owner | undefined): boolean =>
  b !== undefined &&
  a.pid === b.pid &&
  a.startedAtMs === b.startedAtMs &&
  a.process === b.process &&
  a.command === b.command &&
  a.exe === b.exe &&
  a.user === b.user;
