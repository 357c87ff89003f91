import type { EvidenceLine } from '../../../model/evidence.ts';
import { containerOf, labelOf, serviceOf } from '../namespaces/containers.ts';
import { parseCommandLine, parseStat, type Stat, variableIn } from '../proc/process.ts';
import type { Files } from './files.ts';

/** Maximum number of processes that are read: the process and its ancestors. */
const MAX_ANCESTORS = 64;

/** A process or an ancestor of it. Texts are untrusted. */
export interface Ancestor {
  readonly pid: number;
  readonly name: string;
  readonly stat: Stat;
}

/**
 * Returns a process and its ancestors, up to process 1 or the first one that cannot be read; none if the process itself
 * cannot be read, for example because it has ended.
 */
export async function ancestryOf(pid: number, files: Files): Promise<readonly Ancestor[]> {
  const ancestors: Ancestor[] = [];
  for (let next = pid; next > 0 && ancestors.length < MAX_ANCESTORS;) {
    const text = await files.text(`/proc/${next}/stat`);
    const stat = text === undefined ? undefined : parseStat(text);
    if (stat === undefined) break;
    ancestors.push({ pid: next, name: stat.comm, stat });
    next = stat.parent;
  }
  return ancestors;
}

/** Why a process runs, and the file that shows it. */
type Reason = Pick<EvidenceLine, 'text' | 'from'>;

/** A program that starts others, such as cron. */
interface Starter {
  /** Matches its comm, which has at most 15 bytes. */
  readonly name: RegExp;
  /** Reason shown for the processes that it started, in the words of users. */
  readonly what: string;
}

const SSH = 'ssh session';

/** Programs that start others; the nearest ancestor counts. */
const STARTERS: readonly Starter[] = [
  { name: /^(?:cron|crond|atd|anacron|fcron)$/, what: 'scheduled job' },
  { name: /^sshd/, what: SSH },
  { name: /^tmux: server$/, what: 'tmux session' },
  { name: /^(?:screen|SCREEN)$/, what: 'screen session' },
  { name: /^(?:PM2|pm2)/, what: 'pm2' },
  { name: /^supervisord$/, what: 'supervisord' },
  { name: /^(?:runsv|s6-supervise|dinit|monit|god|circusd)$/, what: 'supervisor' },
  { name: /^(?:containerd-shim|conmon|crun|runc)/, what: 'container runtime' },
  { name: /^(?:sudo|su|doas)$/, what: 'run as another user' },
];

const SHELL = /^(?:ba|z|da|k|fi|c|tc)?sh$/;

/** Returns the address of the client in SSH_CONNECTION; undefined without one. @param environment variables separated by NUL */
const clientIn = (environment: string): string | undefined =>
  variableIn(environment, 'SSH_CONNECTION')?.split(' ')[0];

/**
 * Returns why a process runs: its container, the nearest of STARTERS, its service, its shell or its parent, in this order.
 * @param ancestors as `ancestryOf` returns them
 */
async function reasonOf(ancestors: readonly Ancestor[], files: Files): Promise<Reason> {
  const [self] = ancestors;
  if (self === undefined) return { text: 'it has ended', from: '/proc' };
  const from = `/proc/${self.pid}/stat`;
  const cgroup = (await files.text(`/proc/${self.pid}/cgroup`)) ?? '';
  const container = containerOf(cgroup);
  if (container) return { text: `container ${labelOf(container)}`, from: `/proc/${self.pid}/cgroup` };
  const starter = await starterOf(ancestors, files);
  if (starter !== undefined) return starter;
  const service = serviceOf(cgroup);
  if (service !== undefined) return serviceReason(service, self.pid, files);
  const shell = ancestors.slice(1).find(({ name }) => SHELL.test(name));
  if (shell) {
    const how = shell.stat.terminal === 0 ? 'a shell without a terminal' : 'a shell in a terminal';
    return { text: `${how} (${shell.name} ${shell.pid})`, from };
  }
  const parent = ancestors[1];
  if (self.pid === 1) return { text: 'the kernel started it as the first process', from };
  if (parent === undefined && self.stat.parent > 0)
    return { text: `started by process ${self.stat.parent}, which cannot be read`, from };
  if (parent === undefined) return { text: 'the kernel, or a process outside of this pid namespace', from };
  if (parent.pid === 1)
    return { text: `${parent.name} adopted it: the process that started it has ended`, from };
  return { text: `started by ${parent.name} (${parent.pid})`, from };
}

/** Returns the nearest ancestor that is one of STARTERS, as a reason; undefined if there is none. */
async function starterOf(ancestors: readonly Ancestor[], files: Files): Promise<Reason | undefined> {
  for (const [i, ancestor] of ancestors.entries()) {
    const starter = i === 0 ? undefined : STARTERS.find(({ name }) => name.test(ancestor.name));
    if (starter === undefined) continue;
    const { name, pid } = ancestor;
    return starter.what === SSH
      ? sshReason(ancestors.slice(0, i), pid, files)
      : { text: `${starter.what} (${name} ${pid})`, from: `/proc/${pid}/stat` };
  }
  return undefined;
}

/**
 * Returns the reason of a process in an ssh session, with the address of the client from the environment of the first
 * process below sshd that has it.
 * @param below the process and its ancestors below sshd
 * @param pid of sshd
 */
async function sshReason(below: readonly Ancestor[], pid: number, files: Files): Promise<Reason> {
  for (const { pid: child } of below.toReversed()) {
    const environment = await files.text(`/proc/${child}/environ`);
    const client = environment === undefined ? undefined : clientIn(environment);
    if (client !== undefined)
      return { text: `${SSH} from ${client} (sshd ${pid})`, from: `/proc/${child}/environ` };
  }
  return { text: `${SSH} (sshd ${pid})`, from: `/proc/${pid}/stat` };
}

/** Folders of unit files, the first one wins (systemd.unit(5)). */
const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
  '/etc/systemd/user',
  '/usr/lib/systemd/user',
];

/** Returns the reason of a process in a service: its unit file, and the timer or socket of the same name, if any. */
async function serviceReason(service: string, pid: number, files: Files): Promise<Reason> {
  const file = await unitFile(service, files);
  const timer = await unitFile(service.replace(/\.service$/, '.timer'), files);
  const socket =
    timer === undefined ? await unitFile(service.replace(/\.service$/, '.socket'), files) : undefined;
  const by = timer === undefined ? (socket === undefined ? '' : `, socket ${socket}`) : `, timer ${timer}`;
  return {
    text: `systemd service ${service}${file === undefined ? '' : ` (${file})`}${by}`,
    from: `/proc/${pid}/cgroup`,
  };
}

/**
 * Returns the path of the file of a unit: its own in any folder, else that of its template (`getty@.service` for
 * `getty@tty1.service`); undefined if it has neither.
 */
async function unitFile(name: string, files: Files): Promise<string | undefined> {
  const at = name.indexOf('@');
  const dot = name.lastIndexOf('.');
  const names = at < 0 || dot < at ? [name] : [name, name.slice(0, at + 1) + name.slice(dot)];
  for (const it of names)
    for (const folder of UNIT_FOLDERS)
      if (!it.includes('/') && (await files.stat(`${folder}/${it}`))) return `${folder}/${it}`;
  return undefined;
}

/** Returns the lines that say what started a process: the reason and its ancestors. */
export async function whyLines(ancestors: readonly Ancestor[], files: Files): Promise<EvidenceLine[]> {
  const reason = await reasonOf(ancestors, files);
  const chain = ancestors.toReversed().map(({ name, pid }) => `${name} (${pid})`);
  // There are more ancestors than are read, or one cannot be read.
  const parent = ancestors.at(-1)?.stat.parent ?? 0;
  if (parent > 0) chain.unshift(`… (${parent})`);
  return [
    { label: 'why', text: reason.text, from: reason.from },
    ...(chain.length > 1 ? [{ label: 'parents', text: chain.join(' → '), from: '/proc/PID/stat' }] : []),
  ];
}

/** Maximum number of bytes read of a command line. */
const ARGUMENTS_LIMIT = 16 * 1024;

/** Returns the arguments of a process, without the one that the limit cuts; none if they cannot be read. */
export async function argumentsOf(pid: number, files: Files): Promise<readonly string[]> {
  const text = await files.text(`/proc/${pid}/cmdline`, ARGUMENTS_LIMIT);
  return text === undefined || parseCommandLine(text) === undefined ? [] : text.split('\0').slice(0, -1);
}
