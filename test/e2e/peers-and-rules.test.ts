// Where peers are, by a file; and what the firewall says of a listener: in a network namespace of their own.
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { LineProgram } from './line-program.ts';
import { isLinux, isRoot, runNetpane, startNetpane } from './netpane.ts';

const canUnshare = isLinux && isRoot && spawnSync('unshare', ['--net', 'true']).status === 0;
const canFilter =
  canUnshare && spawnSync('unshare', ['--net', 'nft', 'add', 'table', 'inet', 'test']).status === 0;

/** An address that the test file of MaxMind has, in GB. */
const GB = '81.2.69.142';

/** Listens on that address and connects to it. */
const PROGRAM = `
const net = require('node:net');
net.createServer().listen(2222, '${GB}', () => net.connect(2222, '${GB}', () => console.log('ready')));
`;

const RULES = `
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    tcp dport { 22, 2222 } accept comment "made by a test"
  }
}
`;

/** The command and first arguments that run another program in the network namespace of that program. */
let through: string[];
beforeAll(async () => {
  if (!canUnshare) return;
  const rules = canFilter ? `printf '%s' '${RULES}' | nft -f - &&` : '';
  const script = `ip link set lo up && ip addr add ${GB}/32 dev lo && ${rules} exec "$@"`;
  const words = ['unshare', '--net', 'sh', '-c', script, 'sh', process.execPath, '-e', PROGRAM];
  const program = new LineProgram(words);
  await program.until('the connection', () => program.lines.length > 0);
  through = ['nsenter', `--net=/proc/${program.pid}/ns/net`];
});

describe.skipIf(!canUnshare)('where a peer is (skipped without root and network namespaces)', () => {
  const geo = [
    '--geo',
    'fixtures/geo/GeoLite2-Country-Test.mmdb',
    '--geo',
    'fixtures/geo/GeoLite2-ASN-Test.mmdb',
  ];

  test('ls finds and shows the country', async () => {
    const args = [
      'ls',
      ...geo,
      'country:GB',
      ':2222',
      'established',
      '--no-header',
      '--columns',
      'remoteAddress,country',
    ];
    const { stdout, code } = await runNetpane(args, { through });
    // Both ends of the connection.
    expect([stdout, code]).toEqual([`${GB}\tGB\n`.repeat(2), 0]);
  });

  test('the screen shows it in a column and in the details, with the file and its date', async () => {
    const t = startNetpane({
      args: [...geo, ':2222', 'established', '--columns', 'process,remoteAddress,country'],
      through,
    });
    await t.until('the country', () => / GB\b/.test(t.text()));
    t.write('\r');
    await t.until('the details', () =>
      /location +GB +by GeoLite2-Country-Test\.mmdb of \d{4}-\d\d-\d\d/.test(t.text()),
    );
  });

  test('a damaged file is named, and the screen goes on', async () => {
    const path = 'fixtures/geo/bad/cyclic-data-structure.mmdb';
    const args = ['--geo', path, ':2222', 'established', '--columns', 'process,remoteAddress,country'];
    const t = startNetpane({ args, cols: 200, through });
    await t.until('the notice', () => t.text().includes('cyclic-data-structure.mmdb: damaged: '));
    expect(t.text()).toMatch(/node +← node +\?/);
  });
});

describe.skipIf(!canFilter)('what the firewall says (skipped without root and nft)', () => {
  test('the details of a listener have the rule about its port, with its place', async () => {
    const t = startNetpane({ args: [':2222', 'listen'], rows: 45, through });
    await t.until('the listener', () => t.text().includes('2222'));
    t.write('\r');
    await t.until('the rule', () =>
      t.text().includes('tcp dport { 22, 2222 } accept comment "made by a test"'),
    );
    expect(t.text()).toContain('(nft: table inet filter, chain input, policy drop)');
    expect(t.text()).toMatch(/accepted +1 connection now/);
  });
});
