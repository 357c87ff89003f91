import type { Owner } from '../../../model/socket.ts';
import { LIMIT, ONE_RECORD, type Proc } from '../proc/proc.ts';
import { fullName, parseCommandLine, parseStat, startedAtMs } from '../proc/process.ts';

export interface IdentityOptions {
  readonly proc: Proc;
  readonly userOf: (uid: number) => string | undefined;
  /** Returns the boot time of the machine, milliseconds since 1970; undefined if unknown: no owner has a start time then. */
  readonly bootTimeMs: () => number | undefined;
}

/** Reads name, command line, file, working directory, user and start time of processes from /proc. */
export class Identities {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * Returns a process as an owner; undefined if it has ended.
   * @param folder folder of a living thread, see `livingThreadFolder`
   */
  of(pid: number, folder = String(pid)): Owner | undefined {
    const { proc, userOf } = this.#options;
    const bootTimeMs = this.#options.bootTimeMs();
    const text = proc.text(`${pid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    // The process ended after its descriptors were read.
    if (stat === undefined) return undefined;
    // An ended first thread has no memory: its command line is empty and its `exe` is missing.
    const living =
      stat.isLeaderGone && folder === String(pid) ? (this.livingThreadFolder(pid) ?? folder) : folder;
    const commandLine = proc.text(`${living}/cmdline`, LIMIT.commandLine);
    const command =
      'value' in commandLine ? parseCommandLine(commandLine.value, commandLine.isCut) : undefined;
    const link = proc.link(`${living}/exe`);
    const exe = 'value' in link ? link.value : undefined;
    const directory = proc.link(`${living}/cwd`);
    const folderOfProcess = proc.stat(`${pid}`);
    const user = 'value' in folderOfProcess ? userOf(folderOfProcess.value.uid) : undefined;
    return {
      knowledge: 'exact',
      pid,
      process: fullName(stat.comm, exe, command?.words),
      ...(command !== undefined && { command: command.text }),
      ...(exe !== undefined && { exe }),
      ...('value' in directory && { directory: directory.value }),
      ...(user !== undefined && { user }),
      ...(bootTimeMs !== undefined && {
        startedAtMs: startedAtMs(bootTimeMs, stat.startTicks),
      }),
      startTicks: stat.startTicks,
    };
  }

  /**
   * Returns a text that changes with the name and the program of a process, because execve(2) moves the arguments in memory,
   * and with the boot time, from which its start is computed. Undefined if it cannot be read. Reads one small file: the `stat`
   * of a thread, because the one of the process sums up all its threads (fs/proc/array.c, do_task_stat).
   */
  signatureOf(pid: number): string | undefined {
    const text = this.#options.proc.text(`${pid}/task/${pid}/stat`, LIMIT.process, ONE_RECORD);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    return stat && `${this.#options.bootTimeMs()} ${stat.startTicks} ${stat.argumentsAt} ${stat.comm}`;
  }

  /** See `Proc.cpuNsOf`. */
  cpuNsOf(pid: number): number | undefined {
    return this.#options.proc.cpuNsOf(pid);
  }

  /** Returns the folder of a living thread of a process whose first thread has ended; undefined if there is none. */
  livingThreadFolder(pid: number): string | undefined {
    const { proc } = this.#options;
    const threads = proc.names(`${pid}/task`);
    if (!('value' in threads)) return undefined;
    for (const tid of threads.value) {
      const folder = `${pid}/task/${tid}`;
      // Only a living thread has memory and thus an `exe`.
      if (tid !== String(pid) && 'value' in proc.link(`${folder}/exe`)) return folder;
    }
    return undefined;
  }
}
