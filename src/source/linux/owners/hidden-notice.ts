import type { Degradation } from '../../../model/batch.ts';
import { countText } from '../../../model/text.ts';
import { type Privileges, SUDO, whyUnseen } from '../proc/privileges.ts';

/** Maximum number of users named in the notice. */
const MAX_USERS = 4;

/**
 * Returns the notice about hidden owners; undefined if there are none.
 * @param counts Number of sockets with a hidden owner, by user name.
 */
export function hiddenNotice(
  counts: ReadonlyMap<string, number>,
  privileges: Privileges,
): Degradation | undefined {
  const count = [...counts.values()].reduce((sum, each) => sum + each, 0);
  if (count === 0) return undefined;
  const one = count === 1;
  const why = whyUnseen(privileges, ['CAP_SYS_PTRACE']);
  const users = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([user, each]) => `${countText(each)} of ${user}`);
  const shown = users.length > MAX_USERS ? [...users.slice(0, MAX_USERS), '…'] : users;
  return {
    code: 'owners-hidden',
    text:
      `${one ? 'the owner of 1 socket is' : `owners of ${countText(count)} sockets are`} hidden (${shown.join(', ')}): ` +
      (why === SUDO
        ? `run with sudo to see ${one ? 'it' : 'them'}`
        : (why ??
          `even ${privileges.isRoot ? 'root' : 'CAP_SYS_PTRACE'} may not inspect the processes here`)),
    short: `${countText(count)} owner${one ? '' : 's'} hidden${why === SUDO ? ': use sudo' : ''}`,
  };
}

/** Returns the notice about a user list that cannot be read. */
export const usersUnread = (message: string): Degradation => ({
  code: 'users-unread',
  text: `users are shown by number: their names cannot be read (${message})`,
  short: 'users by number',
});
