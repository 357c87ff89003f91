import { describe, expect, test } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { UsageError } from '../../src/cli/values.ts';
import { parse } from './parsing.ts';

const complaint = (args: readonly string[]): string => {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'no complaint';
};

test('a rule cannot compare several polls; the message has the line of the configuration', () => {
  const on = ['listen', 'rx/s>1'].map((query) => ({ query, command: ['a'], bell: false, notify: false }));
  const file = { file: 'f', settings: { on }, lines: { on: [3, 7] } };
  const message = "bad query: 'rx/s>1' compares several polls, but a rule tests single events";
  expect(() => invocationOf(parseCommandLine(['watch']), {}, file)).toThrow(`f:7: ${message}`);
  expect(() => invocationOf(parseCommandLine(['--on', 'rx/s>1', '--', 'a']), {})).toThrow(message);
  expect(invocationOf(parseCommandLine(['ls']), {}, file).command).toBe('ls');
});

describe('a mistake names the option and the expected value', () => {
  test.each<[readonly string[], string]>([
    [
      ['--port', '65536'],
      "--port takes ports from 0 to 65535 or services, such as 443,https or 8000-8100, not '65536'",
    ],
    [
      ['--port', 'htps'],
      "--port takes ports from 0 to 65535 or services, such as 443,https or 8000-8100, not 'htps': did you mean https?",
    ],
    [['--events', '99'], "--events takes a number from 100 to 1000000, not '99'"],
    [
      ['--port', ''],
      '--port takes ports from 0 to 65535 or services, such as 443,https or 8000-8100, not an empty value',
    ],
    [
      ['--port', '80,'],
      "--port takes ports from 0 to 65535 or services, such as 443,https or 8000-8100, not '80,'",
    ],
    [
      ['--port', '1-99999'],
      "--port takes ports from 0 to 65535 or services, such as 443,https or 8000-8100, not '1-99999'",
    ],
    [
      ['--port', '1e3'],
      "--port takes ports from 0 to 65535 or services, such as 443,https or 8000-8100, not '1e3'",
    ],
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
    [['--on', 'listen'], '--on needs a command: --on QUERY -- COMMAND ARGUMENTS'],
    [['--on', 'listen', '--', ''], '--on needs a command: --on QUERY -- COMMAND ARGUMENTS'],
    [['--on', ' ', '--', 'a'], '--on takes a query, not an empty value'],
    [
      ['--on', 'a or', '--', 'a'],
      "bad query at column 5 of 'a or': expected a term such as curl, port:443 or process:curl",
    ],
    [['ls', '--on', 'listen', '--', 'a'], "--on works only with the live screen and 'netpane watch'"],
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
    [
      ['--source', 'ss'],
      "--source takes sock_diag, proc, pcblist, nettop, iphlpapi or systeminformation, not 'ss'",
    ],
    [['--palette', 'pink'], "--palette takes standard, high-contrast, colour-blind or mono, not 'pink'"],
    [['--process', ' '], '--process takes a program name or part of one, not an empty value'],
    [['--port'], '--port needs a value: --port PORTS'],
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
    [
      ['help', 'foo'],
      "netpane help takes ls, watch, kill, config, doctor, query, columns or keys, not 'foo'",
    ],
    [
      ['help', 'qery'],
      "netpane help takes ls, watch, kill, config, doctor, query, columns or keys, not 'qery': did you mean query?",
    ],
    [['help', 'ls', 'query'], 'netpane help takes only one topic'],
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
    [['--json'], "--json works only with 'netpane ls', 'netpane watch' and 'netpane doctor'"],
    [['ls', '--interval', '2s'], "--interval works only with the live screen and 'netpane watch'"],
    [['ls', '--no-color'], '--no-color works only with the live screen'],
    [['config', '--port', '1'], "'netpane config' has no option --port"],
    [['config', '--json'], "'netpane config' has no option --json"],
    [['doctor', '--csv'], "'netpane doctor' has no option --csv"],
    [['doctor', '--listen'], "'netpane doctor' has no option --listen"],
    [['ls', '--redact'], "--redact works only with 'netpane doctor'"],
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

  test('names of peers are known on the live screen only', () => {
    const message = (...args: string[]) => {
      try {
        return invocationOf(parseCommandLine(args), {}).command;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const why = (what: string, who: string) =>
      `${what} needs names of peers, but '${who}' asks for none: use the live screen`;
    expect(message('ls', 'host:*.example')).toBe(why("bad query: 'host:*.example'", 'netpane ls'));
    expect(message('watch', 'curl or host:/^a/')).toBe(why("bad query: 'host:/^a/'", 'netpane watch'));
    expect(message('ls', '--sort', '-host')).toBe(why('--sort -host', 'netpane ls'));
    expect(message('ls', '--columns', 'process,host')).toBe(why('--columns host', 'netpane ls'));
    expect(message('--on', 'host:a', '--', 'b')).toBe(
      "bad query: 'host:a' needs names of peers, but a rule asks for none",
    );
    expect(message('-q', 'host:a', '--columns', 'host', '--sort', 'host')).toBe('screen');
    // Countries and organisations come from a file, so that a command can answer.
    expect(message('ls', 'country:DE', '--columns', 'country,org', '--sort', 'org')).toBe('ls');
    expect(message('watch', 'asn:1')).toBe('watch');
  });

  test.each(['rxRate', '-txRate', '-totalRate', 'rateHistory'])('ls refuses to sort by %s', (column) => {
    expect(() => parse(`ls --sort ${column}`)).toThrow(
      `--sort ${column} compares several polls, but 'netpane ls' polls once: use the live screen`,
    );
    expect(parse(`--sort ${column}`).command).toBe('screen');
  });
});
