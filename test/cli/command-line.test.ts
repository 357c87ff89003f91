import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { COMMAND_NAMES } from '../../src/cli/commands.ts';
import {
  columnsHelpText,
  commandHelpText,
  helpText,
  keysHelpText,
  queryHelpText,
} from '../../src/cli/help.ts';
import { COLUMNS } from '../../src/view/columns/columns.ts';
import { withKeys } from '../../src/view/header/key-help.ts';
import { EVERYTHING } from '../../src/query/query.ts';
import { TERMS } from '../../src/query/terms.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { parse } from './parsing.ts';

test('no arguments: the live screen with all defaults', () => {
  expect(parse('')).toEqual({
    command: 'screen',
    source: undefined,
    format: undefined,
    also: [],
    intervalMs: 1000,
    detachedIntervalMs: undefined,
    maxShare: 0.2,
    lingerMs: 3000,
    eventsKept: 10_000,
    palette: 'standard',
    path: false,
    isRedacted: false,
    listing: { only: undefined, hasHeader: true, limit: undefined, extra: [] },
    killing: { signal: 'TERM', isSure: false, waitMs: undefined },
    query: EVERYTHING,
    sort: { column: 'process', descending: false },
    group: null,
    columns: null,
    serviceNames: false,
    mouse: true,
    restore: 'layout',
    resolveNames: false,
    names: false,
    readOnly: false,
    whoisServer: 'whois.iana.org',
    geoFiles: [],
    views: [],
    on: [],
    keys: {},
    origins: expect.anything() as unknown,
  });
});

test.each<[readonly string[], string, readonly string[]]>([
  [['watch', ':22', '--on', 'listen', '--', 'alert', '-x', '--', ''], '(:22)', ['alert', '-x', '--', '']],
  [['--on=listen', '--', '/opt/alert'], '', ['/opt/alert']],
  [['--on', 'listen', '--', './alert'], '', [join(process.cwd(), 'alert')]],
])('--on takes the arguments after -- as its command: %j', (args, query, command) => {
  const given = invocationOf(parseCommandLine(args), {});
  expect(given.on).toEqual([{ query: 'listen', command, bell: false, notify: false }]);
  expect(`(${given.query.text})`.replace('()', '')).toBe(query);
});

test('without --on the arguments after -- are words of the query', () => {
  const { command, query, on } = invocationOf(parseCommandLine(['watch', '--', '-x']), {});
  expect({ command, text: query.text, on }).toEqual({ command: 'watch', text: '-x', on: [] });
});

test('--on replaces the rules of the configuration', () => {
  const file = {
    file: 'f',
    settings: { on: [{ query: 'a', command: [], bell: true, notify: false }] },
    lines: {},
  };
  expect(invocationOf(parseCommandLine([]), {}, file).on).toEqual(file.settings.on);
  const { on } = invocationOf(parseCommandLine(['--on', 'b', '--', 'c']), {}, file);
  expect(on.map(({ query }) => query)).toEqual(['b']);
});

describe('filters', () => {
  test.each([
    ['--listen', 'listen'],
    ['--established', 'established'],
    ['--tcp', 'proto:tcp'],
    ['--udp', 'proto:udp'],
    ['--tcp --udp', 'proto:tcp,udp'],
    ['-4', 'ipv4'],
    ['-6 --ipv4', '(ipv4 or ipv6)'],
    ['-tul', 'proto:tcp,udp listen'],
    ['-tulpn', 'proto:tcp,udp listen'],
    ['-tulpan', 'proto:tcp,udp'],
    ['-nP -iTCP:22 -sTCP:LISTEN', '-i TCP:22 -s TCP:LISTEN'],
    ['-nPi:22', '-i :22'],
    ['--listening --programs', 'listen'],
    ['--port 443', ':443'],
    ['--port=0', ':0'],
    ['--port 65535', ':65535'],
    ['--port http', ':http'],
    ['--port 80,https', ':80,https'],
    ['--port 8000-8100,443', ':8000-8100,443'],
    ['--port=PostgreSQL', ':postgresql'],
    ['--process node', 'process:node'],
    ['--process=no', 'process:no'],
    ['--netns web', 'ns:web'],
    ['--netns=4026531833', 'ns:4026531833'],
    ['--listen --tcp --port 22 --process sshd', 'proto:tcp listen :22 process:sshd'],
    ['-i', '-i'],
    ['-i :22 -i @192.0.2.1', '-i :22 -i @192.0.2.1'],
    ['-i -s TCP:LISTEN', '-i -s TCP:LISTEN'],
    ['-iTCP -sTCP:^CLOSE_WAIT', '-i TCP -s TCP:^CLOSE_WAIT'],
    ['-q :443', ':443'],
    ['--tcp -q in', 'proto:tcp (in)'],
    ['-q in -q :443', '(in) (:443)'],
    ['-q :80 --query=in curl', '(:80) (in) (curl)'],
    ['-q :443 --query=', ':443'],
  ])('%s', (args, text) => {
    const query = { text };
    expect(parse(args)).toMatchObject({ command: 'screen', query });
    expect(parse(`ls ${args}`)).toMatchObject({ command: 'ls', query });
    expect(parse(`watch ${args}`)).toMatchObject({ command: 'watch', query });
  });
});

test('the letters of netstat on Windows list every socket', () => {
  for (const args of ['ls -an', 'ls -anb', 'ls -ano', 'ls -anob'])
    expect(parse(args)).toMatchObject({ command: 'ls', query: { text: '' } });
});

test('words after a command, and words that are not a command, are a query', () => {
  expect(parse('ls :443 in')).toMatchObject({ command: 'ls', query: { text: ':443 in' } });
  for (const text of [':443', 'nginx', '8080', 'exposed', 'ps', 'ss', 'match', 'helm', 'screen', 'nginx ls'])
    expect(parse(text)).toMatchObject({ command: 'screen', query: { text } });
  expect(parse('-- -x nginx')).toMatchObject({ command: 'screen', query: { text: '-x nginx' } });
});

describe('-t in ls', () => {
  test.each([
    'ls -t :3000',
    'ls :3000 -t',
    'ls -t -i :3000',
    'ls -ti :3000',
    'ls -nPti:3000',
    'ls -t -n -i :3000',
    'ls -t --listen :3000',
    'ls --pids :3000',
  ])('alone, or beside letters of lsof, prints pids: %s', (args) => {
    const { listing, query } = parse(args);
    expect([listing.only, query.text]).toEqual(['pids', expect.stringContaining(':3000')]);
    expect(query.text).not.toContain('proto:');
  });

  test.each([
    'ls -tn',
    'ls -t -u',
    'ls -tulpn',
    'ls -tanob',
    'ls -tb',
    'ls -t4',
    'ls -te',
    'ls -ta',
    'ls -t -l',
    'ls --tcp',
    '-t',
    'watch -t',
  ])('beside letters of ss and netstat, or in another command, is TCP: %s', (args) => {
    const { listing, query } = parse(args);
    expect([listing.only, query.text]).toEqual([undefined, expect.stringMatching(/^proto:tcp/)]);
  });
});

describe('options', () => {
  test.each([
    ['ls --json', { command: 'ls', format: 'json' }],
    ['ls --csv', { command: 'ls', format: 'csv' }],
    ['--palette high-contrast', { palette: 'high-contrast' }],
    ['--interval 500ms', { intervalMs: 500 }],
    ['--interval=100ms', { intervalMs: 100 }],
    ['--interval 60m', { intervalMs: 3_600_000 }],
    ['--detached-interval 30s', { detachedIntervalMs: 30_000 }],
    ['--max-load 1', { maxShare: 0.01 }],
    ['--max-load 100', { maxShare: 1 }],
    ['--max-load=12.5%', { maxShare: 0.125 }],
    ['--also unix', { also: ['unix'] }],
    ['--also=vsock,unix', { also: ['unix', 'vsock'] }],
    ['ls --also sctp,mptcp,sctp', { also: ['sctp', 'mptcp'] }],
    ['--linger 0s', { lingerMs: 0 }],
    ['--linger 1.5s', { lingerMs: 1500 }],
    ['--source proc', { source: 'proc' }],
    ['ls --source systeminformation', { source: 'systeminformation' }],
    ['--events 100', { eventsKept: 100 }],
    ['--events 1000000', { eventsKept: 1_000_000 }],
    ['--palette mono', { palette: 'mono' }],
    ['--palette colour-blind', { palette: 'colour-blind' }],
    ['--no-color', { palette: 'mono' }],
    ['watch', { command: 'watch', format: undefined, intervalMs: 1000, maxShare: 0.2 }],
    ['watch --json --interval 5s', { command: 'watch', format: 'json', intervalMs: 5000 }],
    ['watch --also unix --source proc', { also: ['unix'], source: 'proc' }],
    ['watch --max-load 5', { maxShare: 0.05 }],
    ['config', { command: 'config', path: false, configFile: undefined }],
    ['config --path --config x.toml', { command: 'config', path: true, configFile: 'x.toml' }],
    ['config --interval 5s --palette mono', { command: 'config', intervalMs: 5000, palette: 'mono' }],
    ['ls --config=x', { command: 'ls', configFile: 'x' }],
    ['doctor --json --redact', { command: 'doctor', format: 'json', isRedacted: true }],
    ['config -h', { command: 'help' }],
    ['watch --help', { command: 'help' }],
    ['watch --version', { command: 'version' }],
    ['--help', { command: 'help' }],
    ['-h', { command: 'help' }],
    ['ls --help', { command: 'help' }],
    ['--version', { command: 'version' }],
    ['-V', { command: 'version' }],
    ['-V -h', { command: 'help' }],
    ['help', { command: 'help' }],
    ['help ls', { command: 'help' }],
    ['lss --help', { command: 'help' }],
    ['ls --sort -age', { sort: { column: 'age', descending: true } }],
    ['ls --sort=RXBYTES', { sort: { column: 'rxBytes', descending: false } }],
    ['--sort rx/s', { sort: { column: 'rxRate', descending: false } }],
    ['ls --columns pid,lport,process', { columns: [{ id: 'pid' }, { id: 'localPort' }, { id: 'process' }] }],
    ['--columns process:20', { columns: [{ id: 'process', width: 20 }] }],
    ['ls -H --limit 5', { listing: { only: undefined, hasHeader: false, limit: 5, extra: [] } }],
    ['ls --quiet', { listing: { only: 'nothing' } }],
    ['-n', { serviceNames: false }],
    ['ls -e', { listing: { extra: ['netns', 'uid', 'inode', 'id'] } }],
    ['ls -o', { listing: { extra: ['timer', 'timerRetransmits'] } }],
  ])('%s', (args, expected) => {
    expect(parse(args)).toMatchObject(expected);
  });

  test('obeys NO_COLOR if it is set and not empty; --palette overrides it', () => {
    expect(parse('', { NO_COLOR: '1' }).palette).toBe('mono');
    expect(parse('', { NO_COLOR: '' }).palette).toBe('standard');
    expect(parse('--palette colour-blind', { NO_COLOR: '1' }).palette).toBe('colour-blind');
  });
});

test('the help says of -e, -o and -H the same as of their options', () => {
  const lines = helpText().split('\n');
  for (const letter of ['e', 'o', 'H']) {
    const [, about = ''] = lines.flatMap(
      (it) => new RegExp(`^  -${letter}, --\\S+ +(.*) \\[ls\\]$`).exec(it) ?? [],
    );
    const inTable = lines.find((it) => it.startsWith(`  -${letter}  `));
    expect(inTable).toContain(`in ls: ${about}`);
  }
});

test.each([
  ['help', undefined],
  ['--help', undefined],
  ['nginx --help', undefined],
  ['help ls', 'ls'],
  ['ls --help', 'ls'],
  ['-h watch', 'watch'],
  ['config --help', 'config'],
  ['help query', 'query'],
  ['help columns', 'columns'],
  ['help keys', 'keys'],
])('%s prints the help of the topic %s', (args, topic) => {
  expect(parse(args)).toMatchObject({ command: 'help', topic });
});

test('the help of a command lists its own options and no others, in 80 columns', () => {
  const text = commandHelpText('watch');
  expect(text).toMatch(/^netpane watch: /);
  for (const own of ['--json', '--interval TIME', '--port PORTS', '--config FILE'])
    expect(text).toContain(own);
  for (const other of ['--csv', '--sort', '--path', 'Columns for', '[ls']) expect(text).not.toContain(other);
  expect(commandHelpText('ls')).toContain('netpane ls -tulpn');
  expect(commandHelpText('config')).toMatch(/--sort[^]*--path/);
  expect(commandHelpText('config')).not.toMatch(/--port|--csv|--quiet/);
  for (const command of COMMAND_NAMES)
    expect(commandHelpText(command).split('\n')).not.toContainEqual(expect.stringMatching(/.{81}/));
});

test('the help of the query lists every term with its keys, in 80 columns', () => {
  const text = queryHelpText(KEYS);
  for (const { syntax, example } of TERMS) {
    expect(text).toContain(syntax);
    expect(text).toContain(example);
  }
  expect(text).not.toMatch(/\{[a-z-]+\}/);
  expect(text.split('\n')).not.toContainEqual(expect.stringMatching(/.{81}/));
});

test('the help of the columns and of the keys lists each of them, in 80 columns', () => {
  const columns = columnsHelpText(COLUMNS);
  for (const { id, about } of COLUMNS) {
    expect(columns).toMatch(new RegExp(`^  ${id} +\\S`, 'm'));
    expect(columns.replace(/\s+/g, ' ')).toContain(about);
  }
  const keys = keysHelpText(KEYS);
  for (const { label, about } of KEYS.filter((it) => it.label !== ''))
    expect(keys.replace(/\s+/g, ' ')).toContain(`${label} ${withKeys(KEYS, about)}`);
  for (const text of [columns, keys])
    expect(text.split('\n')).not.toContainEqual(expect.stringMatching(/.{81}/));
});

test('--geo can be given several times; paths are those of the working directory', () => {
  expect(parse('--geo /a.mmdb --geo b.mmdb').geoFiles).toEqual(['/a.mmdb', join(process.cwd(), 'b.mmdb')]);
  expect(() => parse('--geo=')).toThrow('--geo takes a file name, not an empty value');
});

test('the help lists every option, command and source, in 80 columns', () => {
  const text = helpText();
  const words = [
    '--listen',
    '--established',
    '--tcp',
    '--udp',
    '--port PORTS',
    '--process NAME',
    '--netns NAME',
    '--also KINDS',
    '--max-load PERCENT',
    '--json',
    '--csv',
    'print CSV [ls]',
    '--interval TIME',
    '-l, --listen',
    '--sort COLUMN',
    '--pids',
    'netpane ls -t :3000',
    'remoteAddress',
    'Exit codes: 0 success; 1 failure, or with --quiet or --pids (-t): nothing found',
  ];
  for (const expected of [
    ...words,
    '--linger TIME',
    '--config FILE',
    '--path',
    '--source NAME',
    '--palette NAME',
    '--no-color',
    '-V, --version',
    '-h, --help',
    'netpane ls',
    'netpane watch',
    'netpane config',
    'print JSON [ls,watch,doctor]',
    'proc',
    'systeminformation',
  ]) {
    expect(text).toContain(expected);
  }
  expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
});
