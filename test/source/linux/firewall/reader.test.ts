import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { FirewallTarget } from '../../../../src/model/firewall.ts';
import { readLinuxFirewall, runTool, type ToolResult } from '../../../../src/source/linux/firewall/reader.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();

const read = (name: string): string => readFileSync(`fixtures/linux/firewall/${name}.txt`, 'utf8');
const SSH: FirewallTarget = { protocol: 'tcp', port: 22, address: '0.0.0.0' };

/** Output of iptables-save about legacy tables. */
const LEGACY = read('iptables-save').replaceAll(' (nf_tables)', '');

/** Writes files of a made-up machine. Returns its root. @param texts by path */
function machine(texts: Readonly<Record<string, string>>): string {
  const root = newFolder();
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** Makes a machine on which Docker says that the container `web` has the address 172.17.0.3. */
async function machineWithContainer(): Promise<{ path: string; close: () => void }> {
  const path = machine({});
  const socket = join(path, 'var', 'run', 'docker.sock');
  mkdirSync(dirname(socket), { recursive: true });
  const Networks = { bridge: { IPAddress: '172.17.0.3' } };
  const containers = JSON.stringify([{ Names: ['/web'], NetworkSettings: { Networks } }]);
  const api = createServer((_, answer) => answer.end(containers));
  await new Promise<void>((resolve) => void api.listen(socket, resolve));
  return { path, close: () => void api.close() };
}

/** Reads what tools with these results say. Returns the lines as `text (from)`, and the commands that were run. */
async function readWith(
  results: Readonly<Record<string, ToolResult>>,
  root = machine({}),
  target = SSH,
): Promise<{ lines: string[]; ran: string[] }> {
  const ran: string[] = [];
  const run = (program: string, args: readonly string[]) => {
    const command = [program, ...args].join(' ');
    ran.push(command);
    return Promise.resolve(results[command] ?? 'missing');
  };
  const lines = await readLinuxFirewall(target, true, run, root);
  return { lines: lines.map(({ text, from }) => `${text} (${from})`), ran };
}

test('another user than root asks nothing', async () => {
  const run = () => Promise.reject(new Error('a tool was run'));
  expect(await readLinuxFirewall(SSH, false, run)).toEqual([]);
});

test('nft is enough where iptables has no tables of its own', async () => {
  expect(await readWith({ 'nft list ruleset': { output: read('iptables-nft') } })).toEqual({
    lines: ['meta l4proto tcp tcp dport { 21, 22 } drop (nft: table ip filter, chain INPUT, policy drop)'],
    ran: ['nft list ruleset'],
  });
});

test('tables of the older iptables are listed too', async () => {
  const root = machine({ '/proc/net/ip_tables_names': 'filter\n', '/proc/net/ip6_tables_names': '' });
  const { lines, ran } = await readWith(
    {
      'nft list ruleset': { output: '' },
      'iptables-save': { output: LEGACY },
    },
    root,
  );
  expect(lines).toEqual([
    '-p tcp -m multiport --dports 21,22 -j DROP (iptables: table filter, chain INPUT, policy drop)',
  ]);
  expect(ran).toEqual(['nft list ruleset', 'iptables-legacy-save', 'iptables-save']);
});

test.each([
  ['of nf_tables', read('iptables-save')],
  ['of nf_tables without tables', ''],
])('legacy tables are unknown if the only iptables-save is that %s', async (_, output) => {
  const root = machine({ '/proc/net/ip_tables_names': 'filter\n' });
  const results = { 'nft list ruleset': { output: '' }, 'iptables-save': { output } };
  expect((await readWith(results, root)).lines).toEqual([
    'rules are unknown: it is not installed (iptables-legacy-save)',
  ]);
});

test('without nft, iptables is asked', async () => {
  const { lines, ran } = await readWith({
    'iptables-save': { output: read('iptables-save') },
    'ip6tables-save': { output: '' },
  });
  expect([lines.length, ran]).toEqual([1, ['nft list ruleset', 'iptables-save', 'ip6tables-save']]);
});

test('a list that is too long is asked for without the contents of its sets', async () => {
  const { lines, ran } = await readWith({
    'nft list ruleset': { why: 'its list is too long' },
    'nft -t list ruleset': { output: read('nft') },
  });
  expect([lines.length, ran]).toEqual([1, ['nft list ruleset', 'nft -t list ruleset']]);
});

test('nothing is run that would load a module of the kernel', async () => {
  const root = machine({ [`/lib/modules/${release()}/modules.builtin`]: 'kernel/net/ipv4/tunnel4.ko\n' });
  expect(await readWith({}, root)).toEqual({
    lines: ['no rules (nf_tables is not loaded, and ip_tables has no tables)'],
    ran: [],
  });
  const builtIn = machine({
    [`/lib/modules/${release()}/modules.builtin`]: 'kernel/net/netfilter/nf_tables.ko\n',
  });
  expect((await readWith({ 'nft list ruleset': { output: '' } }, builtIn)).ran).toEqual(['nft list ruleset']);
});

test('no answer is not shown as no rules', async () => {
  expect((await readWith({})).lines).toEqual([
    'rules are unknown: no tool that lists them is installed (nft, iptables-save)',
  ]);
  expect((await readWith({ 'nft list ruleset': { why: 'no answer in time' } })).lines).toEqual([
    'rules are unknown: no answer in time (nft)',
  ]);
  expect((await readWith({ 'nft list ruleset': { output: '' } })).lines).toEqual([
    'no chain of rules at input (nft, iptables)',
  ]);
  expect((await readWith({ 'iptables-save': { output: '' } })).lines).toEqual([
    'no chain of rules at input (iptables)',
  ]);
});

test.each<[string, readonly string[], ToolResult]>([
  ['sleep', ['60'], { why: 'no answer in time' }],
  ['yes', [], { why: 'its list is too long' }],
  ['false', [], { why: 'it failed' }],
  ['netpane-no-such-tool', [], 'missing'],
])('the end of %s is named', async (program, args, result) => {
  // A folder that may not be searched would hide that a program is missing.
  vi.stubEnv('PATH', '/usr/bin:/bin');
  expect(await runTool(program, args, program === 'sleep' ? 20 : undefined)).toEqual(result);
});

test('an address in a comment is not one that a rule forwards to', async () => {
  const output = `table inet t {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 22 accept comment "not dnat to 172.17.0.3:80"
	}
}`;
  const root = await machineWithContainer();
  try {
    const { lines } = await readWith({ 'nft list ruleset': { output } }, root.path);
    expect(lines).toHaveLength(1);
  } finally {
    root.close();
  }
});

test('the container behind a port that the kernel forwards is named by the API of its engine', async () => {
  const root = await machineWithContainer();
  try {
    const { lines } = await readWith({ 'nft list ruleset': { output: read('iptables-nft') } }, root.path, {
      ...SSH,
      port: 8088,
    });
    expect(lines).toContain('to port 80 of container web, at 172.17.0.3 (rule above, /var/run/docker.sock)');
  } finally {
    root.close();
  }
});
