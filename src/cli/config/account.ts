import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { type LibC, loadLibC } from '../../source/libc.ts';
import { reasonText } from './file.ts';
import type { Environment } from './paths.ts';
import { type FileUser, processUser, ROOT } from './trust.ts';

/** The user whose configuration, saved state and files netpane uses. */
export interface Account extends FileUser {
  /** Name of the user, or its number without a name. */
  readonly user: string;
  /** The environment, with the home directory of the user. */
  readonly environment: Environment;
  /** The user and group that its programs run as; absent for those of netpane. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

/** Inputs that determine the account. A test replaces them. */
export interface AccountSources {
  readonly uid: number | undefined;
  /** Returns the line of passwd(5) with this user name, or of group(5) with this number; undefined if there is none. */
  readonly entry: (database: 'passwd' | 'group', key: string) => string | undefined;
  /** Returns the text of passwd(5). */
  readonly users: () => string;
  readonly loadLibC: () => Promise<LibC | undefined>;
}

/** Maximum time for a name service, such as LDAP. */
const NAME_SERVICE_MS = 3000;

/** Returns the line of an entry in passwd(5) or group(5), or else in another name service by getent(1). */
function entry(database: 'passwd' | 'group', key: string): string | undefined {
  const field = database === 'passwd' ? 0 : 2;
  const local = readFileSync(`/etc/${database}`, 'utf8')
    .split('\n')
    .find((line) => line.split(':')[field] === key);
  if (local !== undefined) return local;
  const { stdout, status } = spawnSync('getent', [database, key], {
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
    timeout: NAME_SERVICE_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

const SYSTEM: AccountSources = {
  uid: process.geteuid?.(),
  entry,
  users: () => readFileSync('/etc/passwd', 'utf8'),
  loadLibC,
};

/** The user who called sudo. */
interface Caller {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Returns the user who called sudo; undefined without sudo, for root, and if name and number do not agree. */
function callerOf({ SUDO_UID, SUDO_USER }: Environment, { entry }: AccountSources): Caller | undefined {
  if (SUDO_UID === undefined || SUDO_USER === undefined || Number(SUDO_UID) === ROOT) return undefined;
  const [name, , uid, gid, , home = ''] = entry('passwd', SUDO_USER)?.split(':') ?? [];
  if (name !== SUDO_USER || uid !== SUDO_UID || !/^\d+$/.test(gid ?? '') || !isAbsolute(home))
    return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/**
 * Returns true if the primary group of a user has no other member, as on systems that make a group for each user. There
 * new files are often writable by the group.
 */
function hasOwnGroup({ name, uid, gid }: Caller, { entry, users }: AccountSources): boolean {
  const [group, , , members = ''] = entry('group', String(gid))?.split(':') ?? [];
  if (group !== name || (members !== '' && members !== name)) return false;
  return users()
    .split('\n')
    .map((line) => line.split(':'))
    .every(([, , otherUid, otherGid]) => otherGid !== String(gid) || otherUid === String(uid));
}

/** Returns the name of the user that netpane runs as. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in passwd(5).
    return String(process.geteuid?.() ?? '');
  }
}

/**
 * Returns the account whose files netpane uses: under sudo that of the user who called it, if its home directory belongs
 * to that user; else the account that netpane runs as. Files are then read and written with the rights of that user, so
 * that neither a link in the home can lead root astray nor files of root are left in it. This needs Linux and koffi;
 * without them the account of root is used.
 * @param say receives the reason why the caller's files are not used
 */
export async function openAccount(
  environment: Environment,
  say: (message: string) => void,
  sources: AccountSources = SYSTEM,
): Promise<Account> {
  const own: Account = { user: ownName(), environment, ...processUser(sources.uid) };
  const caller = sources.uid === ROOT ? callerOf(environment, sources) : undefined;
  if (caller === undefined) return own;
  const actAs = (await sources.loadLibC())?.actAs;
  if (actAs === undefined) return own;
  const { name, uid, gid, home } = caller;
  const run = <T>(act: () => T): T => actAs({ uid, gid }, act);
  try {
    const { uid: owner } = run(() => statSync(home));
    if (owner !== uid) throw new Error(`it is owned by user ${owner}`);
  } catch (error) {
    say(`files of ${name} are not used: home directory ${home}: ${reasonText(error)}`);
    return own;
  }
  const owner = { uid, ...(hasOwnGroup(caller, sources) && { ownGid: gid }) };
  return { user: name, environment: { ...environment, HOME: home }, ids: { uid, gid }, owner, run };
}
