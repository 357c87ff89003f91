import type { Degradation } from '../../model/batch.ts';
import { type Privileges, SUDO, whyUnseen } from './privileges.ts';

/** Maximum number of users named in the notice. */
const USERS = 4;

/**
 * The notice of sockets whose owners are hidden; undefined where there are none.
 * @param counts these sockets by the name of their user
 */
export function hiddenNotice(
  counts: ReadonlyMap<string, number>,
  privileges: Privileges,
): Degradation | undefined {
  const count = [...counts.values()].reduce((sum, each) => sum + each, 0);
  if (count === 0) return undefined;
  const one = count === 1;
  const why = whyUnseen(privileges, ['CAP_SYS_PTRACE']);
  const users = [...counts].sort(([, a], [, b]) => b - a).map(([user, each]) => `${each} of ${user}`);
  const shown = users.length > USERS ? [...users.slice(0, USERS), '…'] : users;
  return {
    code: 'owners-hidden',
    text:
      `${one ? 'the owner of 1 socket is' : `owners of ${count} sockets are`} hidden (${shown.join(', ')}): ` +
      (why === SUDO
        ? `run with sudo to see ${one ? 'it' : 'them'}`
        : (why ??
          `even ${privileges.isRoot ? 'root' : 'CAP_SYS_PTRACE'} may not look into the programs here`)),
    short: `${count} owner${one ? '' : 's'} hidden${why === SUDO ? ': sudo' : ''}`,
  };
}

/** The notice of a list of users that cannot be read. */
export const usersUnread = (message: string): Degradation => ({
  code: 'users-unread',
  text: `users are shown by number: their names cannot be read (${message})`,
  short: 'users by number',
});
