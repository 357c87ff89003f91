import type { EvidenceLine, Finding } from '../../../model/evidence.ts';
import { variableIn } from '../proc/process.ts';
import type { Ancestor } from './ancestry.ts';
import type { Files } from './files.ts';

/** Names of capabilities(7), by bit. */
const CAPABILITIES = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
];

/** Modes of seccomp(2), in /proc/PID/status. */
const SECCOMP = ['off', 'strict', 'filter'];

/** Variables by which the loader or an interpreter runs other code before the program's own. */
const LOADER =
  /^(?:LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH|NODE_OPTIONS|PYTHONSTARTUP|PERL5OPT|RUBYOPT|JAVA_TOOL_OPTIONS|BASH_ENV)=/;

/** Maximum length of the value of a variable, UTF-16 units. */
const MAX_VALUE = 200;

const field = (status: string, name: string): string | undefined => {
  const line = status.split('\n').find((it) => it.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
};

/**
 * Returns the names of the capabilities in a mask of hexadecimal digits; of a mask with most of them, those that it
 * lacks: `all but net_raw`. `?` if it is no mask.
 */
export function capabilityText(mask: string): string {
  if (!/^[0-9a-f]{1,16}$/.test(mask)) return '?';
  const bits = BigInt(`0x${mask}`);
  if (bits === 0n) return 'none';
  const has = (bit: number): boolean => ((bits >> BigInt(bit)) & 1n) === 1n;
  const names = CAPABILITIES.filter((_, bit) => has(bit));
  const missing = CAPABILITIES.filter((_, bit) => !has(bit));
  if (missing.length === 0) return 'all';
  if (missing.length < CAPABILITIES.length / 4) return `all but ${missing.join(' ')}`;
  return names.join(' ') || `0x${mask}`;
}

/**
 * Returns the name of a terminal by its device number: a pseudo-terminal, console or serial line; undefined for 0. The
 * kernel packs major and minor number as in `new_encode_dev` (include/linux/kdev_t.h).
 */
function terminalText(device: number): string | undefined {
  if (device === 0) return undefined;
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return `device ${major}:${minor}`;
}

/** A part of the evidence, from files below /proc/PID. */
export interface ProcessPart {
  readonly lines: readonly EvidenceLine[];
  readonly findings: readonly Finding[];
}

/** Returns lines and findings about a process, apart from its program file. @param userOf returns the name of a user */
export async function processPart(
  { pid, stat }: Ancestor,
  files: Files,
  userOf: (uid: number) => string,
): Promise<ProcessPart> {
  const [status = '', cgroup = '', environment, login, descriptors] = await Promise.all([
    files.text(`/proc/${pid}/status`),
    files.text(`/proc/${pid}/cgroup`),
    files.text(`/proc/${pid}/environ`),
    files.text(`/proc/${pid}/loginuid`),
    files.names(`/proc/${pid}/fd`),
  ]);
  const lines: EvidenceLine[] = [];
  const add = (label: string, text: string | undefined, file: string): void => {
    if (text !== undefined && text !== '') lines.push({ label, text, from: `/proc/${pid}/${file}` });
  };
  const terminal = terminalText(stat.terminal);
  add(
    'session',
    `${stat.session}${terminal === undefined ? ', no terminal' : `, terminal ${terminal}`}`,
    'stat',
  );
  const [real, effective] = (field(status, 'Uid') ?? '').split(/\s+/).map(Number);
  const isSetuid = real !== undefined && effective !== undefined && real !== effective;
  if (isSetuid) add('user', `${userOf(effective)}, started by ${userOf(real)}`, 'status');
  const loginUid = Number(login?.trim() || NO_LOGIN);
  if (loginUid < NO_LOGIN) add('login', userOf(loginUid), 'loginuid');
  add(
    'cgroup',
    cgroup
      .split('\n')
      .find((it) => it !== '')
      ?.replace(/^[^:]*:[^:]*:/, ''),
    'cgroup',
  );
  const capabilities = capabilityText(field(status, 'CapEff') ?? '');
  add('rights', rightsText(status, capabilities), 'status');
  if (environment === undefined) add('loads', 'unknown: cannot be read', 'environ');
  const loaders = (environment ?? '').split('\0').filter((it) => LOADER.test(it));
  for (const it of loaders)
    add('loads', it.length > MAX_VALUE ? `${it.slice(0, MAX_VALUE)}…` : it, 'environ');
  const passed = variableIn(environment ?? '', 'LISTEN_FDS');
  if (passed !== undefined && variableIn(environment ?? '', 'LISTEN_PID') === String(pid))
    add('sockets', `opened by its launcher, such as systemd (LISTEN_FDS=${passed})`, 'environ');
  add('files', descriptors && `${descriptors.length} open`, 'fd');
  add('memory', field(status, 'VmRSS'), 'status');
  const preload = loaders.find((it) => it.startsWith('LD_PRELOAD=') || it.startsWith('LD_AUDIT='));
  return {
    lines,
    findings: [
      ...(preload === undefined ? [] : [unusual(`${preload.slice(0, preload.indexOf('='))} is set`)]),
      ...(isSetuid ? [unusual(`runs as ${userOf(effective)}, started by ${userOf(real)}`)] : []),
    ],
  };
}

/** Uid of a process without a login: -1 as an unsigned number. */
const NO_LOGIN = 4_294_967_295;

/** Returns a finding that counts as unusual in the verdict. */
export const unusual = (text: string): Finding => ({ text, isUnusual: true });
/** Returns a finding that counts as usual in the verdict. */
export const usual = (text: string): Finding => ({ text, isUnusual: false });

function rightsText(status: string, capabilities: string): string {
  const seccomp = SECCOMP[Number(field(status, 'Seccomp') ?? NaN)];
  const words = [
    `capabilities ${capabilities}`,
    ...(field(status, 'NoNewPrivs') === '1' ? ['no_new_privs'] : []),
    ...(seccomp === undefined || seccomp === 'off' ? [] : [`seccomp ${seccomp}`]),
  ];
  return words.join(', ');
}
