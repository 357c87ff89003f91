// The command line, for users of ss, netstat, lsof and grep.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { isLinux, runNetpane, startNetpane, uniqueName } from './netpane.ts';
import { atEachSize, SIZES } from './scene.ts';

/** Returns the underlined text of each line of the screen that has some. */
const highlighted = (t: Terminal): string[] =>
  t.rows().flatMap((row, y) => {
    const found = Array.from(row, (letter, x) => (t.cell(x, y).underline ? letter : ' ')).join('');
    return found.trim() === '' ? [] : [found.trim().replace(/ +/g, ' ')];
  });

describe.skipIf(!isLinux)('the command line (skipped elsewhere: the herd needs Linux)', () => {
  const herd = new Herd();
  const name = uniqueName();
  let server: HerdProcess;
  let listener: HerdSocket;
  let port: string;
  beforeAll(async () => {
    server = await herd.spawn({ title: name });
    listener = await server.listen({ host: '127.0.0.1' });
    port = String(listener.local.port);
  });
  afterAll(() => herd.close());

  test('any word is a query, and what it matches is highlighted, at five sizes', async () => {
    const t = startNetpane({ args: [name], cols: SIZES[0][0], rows: SIZES[0][1] });
    await t.until('the name', () => highlighted(t).join() === name);
    await atEachSize(t, () => {
      // A wide screen has the command too.
      expect(new Set(highlighted(t).flatMap((line) => line.split(' ')))).toEqual(new Set([name]));
      expect(t.text()).toContain(`/ ${name}`);
    });
  });

  test('a bare number is a port, and is highlighted where it is one', async () => {
    const t = startNetpane({ args: [port, `process=${name}`], cols: 120 });
    const [row] = await t.until('the port', () => {
      const found = highlighted(t);
      return found.length === 1 && found;
    });
    expect(row?.split(' ')).toEqual(expect.arrayContaining([name, port]));
    const part = port.slice(0, -1);
    const { stdout } = await runNetpane(['ls', '-H', part, `process=${name}`, `!:${part}`, `!pid:${part}`]);
    expect(stdout).toBe('');
  });

  test('the letters of ss and of lsof find who holds a port', async () => {
    const [ss, lsof] = await Promise.all([
      runNetpane(['ls', '-tulpnH', `:${port}`, `name:${name}`]),
      runNetpane(['ls', '-nPti', `:${port}`, `process=${name}`]),
    ]);
    expect(ss.stdout).toMatch(new RegExp(`^${name}\t${server.pid}\t.*\t${port}\t\\*\t\\*\tLISTEN\n$`));
    expect(lsof).toMatchObject({ stdout: `${server.pid}\n`, stderr: '', code: 0 });
    const three = await runNetpane(['ls', '-t', `lport:${port}`, `process=${name}`]);
    expect(three.stdout).toBe(`${server.pid}\n`);
  });

  test('the exit code says whether --quiet and -t found something', async () => {
    const run = async (...args: string[]) => {
      const { stdout, code } = await runNetpane(['ls', ...args]);
      return [stdout, code];
    };
    expect(
      await Promise.all([
        run('--quiet', `process=${name}`),
        run('--quiet', `process=${name}x`),
        run('-t', `process=${name}x`),
        run('-H', `process=${name}x`),
      ]),
    ).toEqual([
      ['', 0],
      ['', 1],
      ['', 1],
      ['', 0],
    ]);
    expect((await runNetpane(['ls', '--quiet', `proces:${name}`])).stderr).toBe('');
  });

  test('a query that one poll cannot answer is refused', async () => {
    const { stdout, stderr, code } = await runNetpane(['ls', 'rate>1']);
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr).toBe(
      "netpane: bad query: 'rate>1' compares several polls, but 'netpane ls' polls once: use the live screen\n",
    );
  });

  test('all queries must match', async () => {
    const { stdout } = await runNetpane(['ls', '-H', '-q', `process=${name}`, '-q', 'listen or :1']);
    expect(stdout.split('\n')).toEqual([expect.stringContaining(`${name}\t${server.pid}\t`), '']);
    expect((await runNetpane(['ls', '-H', '-q', `process=${name}`, '-q', ':1'])).stdout).toBe('');
  });

  test('the table has the columns, the order and the number of sockets that are asked for', async () => {
    const [ordered, titles] = await Promise.all([
      runNetpane(['ls', '-H', '--sort', '-lport', '--limit', '1', '--columns', 'lport,process', name]),
      runNetpane(['ls', '-eo', name]),
    ]);
    expect(ordered.stdout).toBe(`${port}\t${name}\n`);
    const names = titles.stdout.split('\n')[0]?.split('\t') ?? [];
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['LPORT', 'RPORT', 'INODE', 'TIMER']));
  });
});

test.each([
  [['lss'], "unknown command 'lss': did you mean netpane ls?"],
  [['--lisen'], "unknown option '--lisen': did you mean --listen?"],
  [['ls', ':99999'], "'99999' is too large (maximum 65535"],
  [['ls', 'state:LISTENIG'], 'did you mean LISTEN?'],
])('a mistake is answered with the right word: %j', async (args, message) => {
  const { stderr, code } = await runNetpane(args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('netpane help prints the help with the table of letters', async () => {
  const { stdout, code } = await runNetpane(['help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/ here +ss +netstat +lsof\n {2}-t /);
});

test('netpane help ls and netpane ls --help print the same help; netpane help query lists the terms', async () => {
  const [topic, option, query] = await Promise.all([
    runNetpane(['help', 'ls']),
    runNetpane(['ls', '--help']),
    runNetpane(['help', 'query']),
  ]);
  expect(topic.stdout).toMatch(/^netpane ls: /);
  expect(option).toEqual(topic);
  expect(query.stdout).toMatch(/since b was\s+pressed/);
});
