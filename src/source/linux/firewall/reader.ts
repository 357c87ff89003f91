import { execFile } from 'node:child_process';
import { release } from 'node:os';
import type { EvidenceLine } from '../../../model/evidence.ts';
import type { FirewallTarget } from '../../../model/firewall.ts';
import { Files } from '../evidence/files.ts';
import { containerAt } from '../evidence/published.ts';
import { iptablesChains } from './iptables.ts';
import { nftChains } from './nft.ts';
import type { Chain } from './rules.ts';
import { firewallLines, rulesFor } from './words.ts';

/** Maximum time for a tool, milliseconds. */
const TOOL_MS = 2000;
/** Maximum length of the output of a tool, bytes. */
const OUTPUT_LIMIT = 4 * 2 ** 20;

/** How a tool ended: its output, or why there is none; `missing` if it is not installed. */
export type ToolResult = { readonly output: string } | { readonly why: string } | 'missing';

/** Runs a tool that lists rules. Never rejects. */
export type RunTool = (program: string, args: readonly string[]) => Promise<ToolResult>;

const REASONS: Readonly<Record<string, string>> = {
  ERR_CHILD_PROCESS_STDIO_MAXBUFFER: 'its list is too long',
  EACCES: 'it may not be run',
};

const runTool: RunTool = (program, args) =>
  new Promise((resolve) => {
    const options = {
      timeout: TOOL_MS,
      maxBuffer: OUTPUT_LIMIT,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    } as const;
    execFile(program, args, options, (error, stdout) => {
      if (error === null) resolve({ output: stdout });
      else if (error.code === 'ENOENT') resolve('missing');
      else
        resolve({
          why:
            error.killed === true && error.code === undefined
              ? 'no answer in time'
              : (REASONS[String(error.code)] ?? 'it failed'),
        });
    });
  });

/**
 * Returns true if the kernel has nf_tables now: a tool would load the module, and netpane only reads. Without a directory
 * of modules nothing can be loaded.
 */
async function hasNfTables(files: Files): Promise<boolean> {
  if (await files.stat('/sys/module/nf_tables')) return true;
  const folder = `/lib/modules/${release()}`;
  if ((await files.stat(folder)) === undefined) return true;
  return (await files.text(`${folder}/modules.builtin`, 2 ** 20))?.includes('/nf_tables.ko') === true;
}

/**
 * Returns what local tools list about a listener: nft, and iptables where it has tables of its own, or nft is not installed.
 * Only root may list rules; another user gets no lines. Never rejects.
 * @param root `/`, or a fixture
 */
export async function readLinuxFirewall(
  target: FirewallTarget,
  isRoot = process.geteuid?.() === 0,
  run = runTool,
  root = '/',
): Promise<readonly EvidenceLine[]> {
  if (!isRoot) return [];
  const files = new Files(root);
  const chains: Chain[] = [];
  const problems: EvidenceLine[] = [];
  const fail = (tool: string, why: string): void =>
    void problems.push({ label: 'firewall', text: `rules are unknown: ${why}`, from: tool });
  const hasNft = await hasNfTables(files);
  const listed = hasNft ? await listNft(run) : undefined;
  if (listed !== undefined && listed !== 'missing') {
    if ('output' in listed) chains.push(...nftChains(listed.output));
    else fail('nft', listed.why);
  }
  let isListed = listed !== undefined && listed !== 'missing';
  for (const tool of ['iptables', 'ip6tables'] as const) {
    const legacy = await files.text(`/proc/net/${tool === 'iptables' ? 'ip' : 'ip6'}_tables_names`);
    const isLegacy = (legacy ?? '').trim() !== '';
    if (!isLegacy && listed !== 'missing') continue;
    const saved = await saveTables(tool, isLegacy, run);
    if (saved === 'missing') {
      if (isLegacy) fail(`${tool}-save`, 'it is not installed');
      continue;
    }
    isListed = true;
    if ('output' in saved) chains.push(...iptablesChains(saved.output, tool));
    else fail(`${tool}-save`, saved.why);
  }
  if (!hasNft && problems.length === 0 && chains.length === 0)
    return [{ label: 'firewall', text: 'no rules', from: 'nf_tables and ip_tables are not loaded' }];
  if (!isListed) fail('nft, iptables-save', 'no tool that lists them is installed');
  const lines = [
    ...firewallLines(target, chains),
    ...(await forwardedLines(target, chains, files)),
    ...problems,
  ];
  return lines.length > 0
    ? lines
    : [{ label: 'firewall', text: 'no chain of rules at input', from: 'nft, iptables' }];
}

/** Lists the rules of nft; without the contents of sets if these are too long. */
async function listNft(run: RunTool): Promise<ToolResult> {
  const all = await run('nft', ['list', 'ruleset']);
  return typeof all === 'object' && 'why' in all && all.why === REASONS['ERR_CHILD_PROCESS_STDIO_MAXBUFFER']
    ? run('nft', ['-t', 'list', 'ruleset'])
    : all;
}

/** Lists the tables of iptables. Where the usual tool is that of nft, the other one has a name of its own. */
async function saveTables(
  tool: 'iptables' | 'ip6tables',
  isLegacy: boolean,
  run: RunTool,
): Promise<ToolResult> {
  const first = isLegacy ? await run(`${tool}-legacy-save`, []) : 'missing';
  return first === 'missing' ? run(`${tool}-save`, []) : first;
}

/** An address and a port that a rule forwards to: `dnat to 172.17.0.2:80`, `--to-destination [fd00::2]:80`. */
const FORWARDED = /(?:\bdnat (?:ip6? )?to|--to-destination) (\[[\da-f:]+\]|[\d.]+)(?::(\d{1,5}))?/;

/** Returns the containers to which rules forward the port without a proxy, by the API of an engine. */
async function forwardedLines(
  target: FirewallTarget,
  chains: readonly Chain[],
  files: Files,
): Promise<readonly EvidenceLine[]> {
  const found = rulesFor(target, chains).flatMap(({ rule }) => {
    const [, address, port] = FORWARDED.exec(rule.text) ?? [];
    return address === undefined
      ? []
      : [{ address: address.replace(/[[\]]/g, ''), port: port ?? String(target.port) }];
  });
  const [first] = found;
  if (first === undefined) return [];
  const container = await containerAt(first.address, files);
  if (container === undefined) return [];
  return [
    {
      label: 'forwards',
      text: `to port ${first.port} of container ${container.name}, at ${first.address}`,
      from: `rule above, ${container.from}`,
    },
  ];
}
