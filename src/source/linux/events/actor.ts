import { startOf } from '../../../model/process.ts';
import type { Owner } from '../../../model/socket.ts';
import { fullName } from '../proc/process.ts';

/** A process that acts in the trace. */
export interface Actor {
  readonly pid: number;
  /** The kernel's name of the process, up to 15 bytes. Undefined if it became another program before it was read. */
  comm: string | undefined;
  /** Path of the program as given to execve(2). */
  readonly file: string | undefined;
  readonly isKernelThread: boolean;
  /**
   * Pid of the process that forked this one, whose network namespace it started in. Undefined if unknown, or if it
   * started in a namespace of its own.
   */
  readonly parent: number | undefined;
  /** Sequence number of the fork, from 1; 0 if the fork was not traced. A parent with a higher one has a reused pid. */
  readonly order: number;
  /** `[owner]`, the same array for each action of the process; undefined until it is first needed. */
  owners: readonly Owner[] | undefined;
}

/** Further facts about an actor at the record that is being applied. */
export interface ActorFacts {
  /** The process in /proc; undefined if that is another process with its pid, or none. */
  readonly living: Owner | undefined;
  /** True if a later record is an exec of the process, so that /proc already shows the next program. */
  readonly isOtherProgram: boolean;
  /** The name before a later record renames the process; undefined if none does. */
  readonly oldName: string | undefined;
  /** False if a record was lost, which may have been an exec or a rename. */
  readonly isComplete: boolean;
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Returns an actor as the owner of what it does now. */
export function ownerOf({ pid, comm, file }: Actor, facts: ActorFacts): Owner {
  const { living, isOtherProgram, oldName, isComplete } = facts;
  const named = (name: string | undefined, exe: string | undefined, words?: readonly string[]) =>
    name !== undefined && { process: fullName(name, exe, words) };
  // A lost exec or rename record would make this another program than the one that acted.
  const knowledge = isComplete ? 'exact' : 'inherited';
  if (isOtherProgram) {
    // Same process, but /proc already shows the next program: only the start time is still valid.
    return {
      knowledge,
      pid,
      ...named(comm, file),
      ...(file?.startsWith('/') && { exe: file }),
      ...startOf(living ?? {}),
    };
  }
  if (living?.exe !== undefined)
    return { ...living, knowledge, ...named(oldName, living.exe, wordsOf(living)) };
  return {
    ...living,
    knowledge,
    pid,
    ...named(oldName ?? living?.process ?? comm, file),
    ...(file?.startsWith('/') && { exe: file }),
  };
}

/** Gives an actor and its owners another name. */
export function renameActor(actor: Actor, name: string): void {
  actor.comm = name;
  actor.owners = actor.owners?.map((owner) => ({
    ...owner,
    process: fullName(name, owner.exe ?? actor.file, wordsOf(owner)),
  }));
}

/** Returns the first two words of the command line: one of them may be the full program name. */
const wordsOf = ({ command }: Owner): readonly string[] => command?.split(' ', 2) ?? [];
