import { describe, expect, test } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { helpText } from '../../src/cli/help.ts';
import { UsageError } from '../../src/cli/values.ts';
import { EVERYTHING } from '../../src/query/query.ts';

const parse = (args: string, environment: Record<string, string> = {}) =>
  invocationOf(parseCommandLine(args.split(' ').filter(Boolean)), environment);

const complaint = (args: readonly string[]): string => {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'no complaint';
};

test('no arguments: the live screen with all defaults', () => {
  expect(parse('')).toEqual({
    command: 'screen',
    source: undefined,
    format: undefined,
    also: [],
    intervalMs: 1000,
    maxShare: 0.2,
    lingerMs: 3000,
    eventsKept: 10_000,
    palette: 'standard',
    path: false,
    listing: { only: undefined, hasHeader: true, limit: undefined, extra: [] },
    query: EVERYTHING,
    sort: { column: 'process', descending: false },
    group: null,
    columns: null,
    serviceNames: false,
    mouse: true,
    restore: 'layout',
    views: [],
    keys: {},
    origins: expect.anything() as unknown,
  });
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

describe('a mistake names the option and the expected value', () => {
  test.each<[readonly string[], string]>([
    [['--port', '65536'], "--port takes a number from 0 to 65535, not '65536'"],
    [['--port', 'http'], "--port takes a number from 0 to 65535, not 'http'"],
    [['--events', '99'], "--events takes a number from 100 to 1000000, not '99'"],
    [['--port', ''], '--port takes a number from 0 to 65535, not an empty value'],
    [['--port', '1e3'], "--port takes a number from 0 to 65535, not '1e3'"],
    [['--interval', '5'], "--interval takes a duration from 100ms to 60m, such as 500ms or 2s, not '5'"],
    [
      ['--interval', '99ms'],
      "--interval takes a duration from 100ms to 60m, such as 500ms or 2s, not '99ms'",
    ],
    [
      ['--interval', '1e3s'],
      "--interval takes a duration from 100ms to 60m, such as 500ms or 2s, not '1e3s'",
    ],
    [['--interval', '61m'], "--interval takes a duration from 100ms to 60m, such as 500ms or 2s, not '61m'"],
    [['--linger', '-1s'], "--linger takes a duration from 0ms to 60m, such as 500ms or 2s, not '-1s'"],
    [['--linger', 'soon'], "--linger takes a duration from 0ms to 60m, such as 500ms or 2s, not 'soon'"],
    [['--max-load', '0'], "--max-load takes a percentage from 1 to 100, not '0'"],
    [['--max-load', '0.99'], "--max-load takes a percentage from 1 to 100, not '0.99'"],
    [['--max-load', '101'], "--max-load takes a percentage from 1 to 100, not '101'"],
    [['--max-load', '100.01%'], "--max-load takes a percentage from 1 to 100, not '100.01%'"],
    [['--max-load', 'half'], "--max-load takes a percentage from 1 to 100, not 'half'"],
    [['--max-load', '2e1'], "--max-load takes a percentage from 1 to 100, not '2e1'"],
    [['--max-load'], '--max-load needs a value: --max-load PERCENT'],
    [['ls', '--max-load', '5'], "--max-load works only with the live screen and 'netpane watch'"],
    [['--netns', ''], '--netns takes the name or inode of a network namespace, not an empty value'],
    [['--netns'], '--netns needs a value: --netns NAME'],
    [
      ['--also', 'tcp'],
      "--also takes one or more of unix, sctp, mptcp, vsock, separated by commas, not 'tcp'",
    ],
    [
      ['--also', 'unix,Sctp'],
      "--also takes one or more of unix, sctp, mptcp, vsock, separated by commas, not 'Sctp': did you mean sctp?",
    ],
    [
      ['ls', '--also', 'unix,'],
      '--also takes one or more of unix, sctp, mptcp, vsock, separated by commas, not an empty value',
    ],
    [['--source', 'ss'], "--source takes sock_diag, proc or systeminformation, not 'ss'"],
    [['--palette', 'pink'], "--palette takes standard, high-contrast, colour-blind or mono, not 'pink'"],
    [['--process', ' '], '--process takes a program name or part of one, not an empty value'],
    [['--port'], '--port needs a value: --port N'],
    [['--interval'], '--interval needs a value: --interval TIME'],
    [
      ['--port', '1', '--port=2'],
      "--port can be given only once: for several, write a query such as ':80 or :443'",
    ],
    [
      ['ls', '--process', 'a', '--process', 'b'],
      "--process can be given only once: for several, write a query such as 'process:curl or process:wget'",
    ],
    [
      ['--netns', 'a', '--netns', 'b'],
      "--netns can be given only once: for several, write a query such as 'ns:web or ns:db'",
    ],
    [
      ['-q', ':80', '-q', 'port:'],
      "bad query at column 6 of 'port:': expected ports: port:443, port:https, port:8000-8100",
    ],
    [['--tcp=yes'], "--tcp takes no value, got 'yes'"],
    [['--listen', '--established'], '--listen and --established cannot be used together'],
    [['ls', '--json', '--csv'], '--json and --csv cannot be used together'],
    [['watch', '--csv'], "--csv works only with 'netpane ls'"],
    [['--csv'], "--csv works only with 'netpane ls'"],
    [['ls', '--csv=yes'], "--csv takes no value, got 'yes'"],
    [['--frobnicate'], "unknown option '--frobnicate': see netpane --help"],
    [['-z'], "unknown option '-z': see netpane --help"],
    [['-t😀'], "unknown option '-😀': see netpane --help"],
    [['-tulz'], "unknown option '-z': see netpane --help"],
    [['ls', '-x'], "unknown option '-x': for Unix sockets, write --also unix"],
    [['--lisen'], "unknown option '--lisen': did you mean --listen?"],
    [['--user', 'root'], "unknown option '--user': in the query, write user:VALUE"],
    [['--remote=1.2.3.4'], "unknown option '--remote': in the query, write remote:ADDRESS"],
    [
      ['--palette', 'mon'],
      "--palette takes standard, high-contrast, colour-blind or mono, not 'mon': did you mean mono?",
    ],
    [
      ['ls', '--sort', 'agee'],
      "--sort takes a column such as age, or -age for descending order, not 'agee': did you mean age?",
    ],
    [
      ['ls', '--columns', 'pid,proces'],
      "--columns takes columns such as process,pid,localPort, each once (netpane --help lists them), not 'proces': did you mean process?",
    ],
    [
      ['ls', '--columns', 'pid,pid'],
      "--columns takes columns such as process,pid,localPort, each once (netpane --help lists them), not 'pid,pid'",
    ],
    [
      ['ls', '--columns', 'pid,process:999'],
      "--columns takes columns such as process,pid,localPort, each once (netpane --help lists them), not 'process:999'",
    ],
    [
      ['ls', '--sort', 'age:20'],
      "--sort takes a column such as age, or -age for descending order, not 'age:20'",
    ],
    [
      ['ls', '--columns', 'pid', '--json'],
      '--columns and --json cannot be used together: only the table has columns',
    ],
    [
      ['ls', '--columns', 'pid', '-t'],
      '--columns and --pids cannot be used together: only the table has columns',
    ],
    [['ls', '--quiet', '--csv'], '--csv and --quiet cannot be used together'],
    [['ls', '--limit', '0'], "--limit takes a number from 1 to 999999999, not '0'"],
    [['-e'], "--extended works only with 'netpane ls'"],
    [['watch', '--quiet'], "--quiet works only with 'netpane ls'"],
    [['--constructor'], "unknown option '--constructor': see netpane --help"],
    [['--__proto__=1'], "unknown option '--__proto__': see netpane --help"],
    ...[
      ['list', 'ls'],
      ['lss', 'ls'],
      ['sl', 'ls'],
      ['LS', 'ls'],
      ['wacth', 'watch'],
      ['watxh', 'watch'],
      ['confg', 'config'],
      ['hlep', 'help'],
    ].map(([word = '', near = '']): [string[], string] => [
      [word, ':443'],
      `unknown command '${word}': did you mean netpane ${near}? To filter the live screen by that word: netpane -q '${word}'`,
    ]),
    [
      ['ls', 'port:'],
      "bad query at column 6 of 'port:': expected ports: port:443, port:https, port:8000-8100",
    ],
    [['--json'], "--json works only with 'netpane ls' and 'netpane watch'"],
    [['ls', '--interval', '2s'], "--interval works only with the live screen and 'netpane watch'"],
    [['ls', '--no-color'], '--no-color works only with the live screen'],
    [['config', '--port', '1'], "'netpane config' has no option --port"],
    [['config', '--json'], "'netpane config' has no option --json"],
    [['config', 'x'], "'netpane config' takes only options, not 'x'"],
    [['--path'], "--path works only with 'netpane config'"],
    [['--config', ''], '--config takes a file name, not an empty value'],
    [['watch', '--linger', '1s'], '--linger works only with the live screen'],
    [['watch', '--palette', 'mono'], '--palette works only with the live screen'],
    [
      ['watch', '--interval', '1'],
      "--interval takes a duration from 100ms to 60m, such as 500ms or 2s, not '1'",
    ],
    [['--config'], '--config needs a value: --config FILE'],
  ])('%j', (args, message) => {
    expect(complaint(args)).toBe(message);
  });

  test.each([
    [
      'ls port:no-such-service',
      /^bad query at column 6 of 'port:no-such-service': unknown service 'no-such-service'/,
    ],
    ['ls :99999', /^bad query at column 2 of ':99999': '99999' is too large \(maximum 65535; only VSOCK/],
    ['rport:1-70000', /^bad query at column 9 of .*'70000' is too large/],
    ['-i gopher', /^bad query .*unknown protocol 'gopher' after -i/],
    ['-s TCP:OPEN', /^bad query .*unknown state 'OPEN'/],
  ])('%s', (args, message) => {
    expect(() => parse(args)).toThrow(message);
  });

  test('a large port in the configuration is reported with its place', () => {
    const file = { file: '/c.toml', settings: { query: ':70000' }, lines: { query: [3] } };
    expect(() => invocationOf(parseCommandLine([]), {}, file)).toThrow(
      /^\/c.toml:3: bad query at column 2 of ':70000': '70000' is too large/,
    );
  });

  test('a large port is accepted where VSOCK sockets are shown, and a large number may be a pid', () => {
    expect(parse('ls --also vsock :99999').query.text).toBe(':99999');
    expect(parse('ls 99999').query.text).toBe('99999');
  });

  test('the last value of a repeated setting counts', () => {
    expect(parse('--interval 1s --interval 2s').intervalMs).toBe(2000);
  });

  test.each([
    ['rate>1M', "'rate>1M' compares several polls"],
    ['!rx/s<=1k', "'rx/s<=1k' compares several polls"],
    ['curl or tx/s>1', "'tx/s>1' compares several polls"],
  ])('a term that needs several polls is refused where there are none: %s', (query, message) => {
    const why = (command: string) => {
      expect(() => invocationOf(parseCommandLine([command, '-q', query]), {})).toThrow(UsageError);
      return () => invocationOf(parseCommandLine([command, '-q', query]), {});
    };
    expect(why('ls')).toThrow(`${message}, but 'netpane ls' polls once: use the live screen`);
    expect(why('watch')).toThrow(`${message}, but 'netpane watch' tests single events: use the live screen`);
    expect(parse(`-- ${query}`).query.text).toBe(query);
  });

  test.each(['new', 'closed', 'age<10s', '!(age>1h or curl)'])(
    'ls refuses %s, which watch can answer',
    (query) => {
      expect(() => invocationOf(parseCommandLine(['ls', query]), {})).toThrow("but 'netpane ls' polls once");
      expect(invocationOf(parseCommandLine(['watch', query]), {}).query.text).toBe(query);
    },
  );

  test('a term of the configuration that needs several polls is reported with its place', () => {
    const file = { file: '/c.toml', settings: { query: 'new' }, lines: { query: [3] } };
    expect(() => invocationOf(parseCommandLine(['ls']), {}, file)).toThrow(
      "/c.toml:3: bad query: 'new' compares several polls, but 'netpane ls' polls once: use the live screen",
    );
    expect(invocationOf(parseCommandLine(['ls', ':80']), {}, file).query.text).toBe(':80');
  });

  test.each(['rxRate', '-txRate', '-totalRate', 'rateHistory'])('ls refuses to sort by %s', (column) => {
    expect(() => parse(`ls --sort ${column}`)).toThrow(
      `--sort ${column} compares several polls, but 'netpane ls' polls once: use the live screen`,
    );
    expect(parse(`--sort ${column}`).command).toBe('screen');
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

test('the help lists every option, command and source, in 100 columns', () => {
  const text = helpText();
  const words = [
    '--listen',
    '--established',
    '--tcp',
    '--udp',
    '--port N',
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
    'print JSON [ls, watch]',
    'proc',
    'systeminformation',
  ]) {
    expect(text).toContain(expected);
  }
  expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
});
