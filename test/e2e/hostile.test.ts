// Process names that hold terminal commands.
import { afterAll, describe, expect, test } from 'vitest';
import { Herd, type HerdSocket } from '../helpers/herd.ts';
import { cleanUp, eventsOf, isLinux, rowOf, runNetpane, startNetpane } from './netpane.ts';

const ESC = '\x1b';

/** Names and what netpane shows of them. The kernel keeps 15 bytes; the rest comes from the command line. */
const names: [what: string, title: string, shown: string][] = [
  ['escape codes', `${ESC}[2J${ESC}[31mEVIL${ESC}c`, '?[2J?[31mEVIL?c'],
  ['a window title', `${ESC}]0;pwn\x07np`, '?]0;pwn?np'],
  ['tags of blessed', '{red-fg}{bold}np', '{red-fg}{bold}np'],
  ['C1 control characters', 'np\u009b31m\u0085\u0090', '"np?31m??"'],
  ['bidi control characters', 'np\u202egpj\u2066exe', 'np?gpj?exe'],
  ['line ends and tabs', 'np\r\nroot\ttcp', 'np??root?tcp'],
  ['characters without width', 'n\u200bp\u0301\u00ad\ufeffx', 'n?\u1e55??x'],
  ['a closing parenthesis', 'np) R 1 (init', 'np) R 1 (init'],
  ['characters of two cells', '漢字ネットくん', '漢字ネットくん'],
];

// Bytes that netpane must never write, though it writes escape codes itself.
const commands = [
  `${ESC}[2J${ESC}[31mEVIL`,
  `${ESC}c`,
  `${ESC}]0;pwn`,
  '\x07',
  '\u009b',
  '\u0085',
  '\u0090',
  '\u202e',
  '\u2066',
];
const invisible = ['\u200b', '\u0301', '\u00ad', '\ufeff'];

const unsafeIn = (bytes: Buffer) =>
  [...commands, ...invisible].filter((text) => bytes.includes(Buffer.from(text)));

describe.skipIf(!isLinux)('hostile names (skipped elsewhere: the herd needs Linux)', () => {
  const herd = new Herd();
  const comm = Buffer.from([0x9b, 0x33, 0x31, 0x6d, 0xff, 0x1b, 0x63]);
  const startAll = () =>
    Promise.all([
      ...names.map(async ([what, title, shown]) => ({ what, shown, process: await herd.spawn({ title }) })),
      herd
        .spawn({ comm })
        .then((process) => ({ what: 'bytes that are not text', shown: '?31m??c', process })),
    ]);
  let started: ReturnType<typeof startAll> | undefined;
  afterAll(() => herd.close());

  /** Opens a listener of each process. The first call starts the processes. */
  async function listenAll() {
    const processes = await (started ??= startAll());
    return Promise.all(processes.map(async (it) => ({ ...it, listener: await it.process.listen() })));
  }

  test('are harmless text in the table, the details, the event log and the prompts', async () => {
    const args = ['--interval', '100ms', '--linger', '60m', '--listen', '--tcp'];
    // Wide enough for the column NS, which shows if the machine has several namespaces.
    const t = startNetpane({ cols: 140, rows: 60, args });
    // Before the screen shows, the terminal is not raw: enter would be another key. A socket that is open before the
    // first poll has no `+`.
    await t.until(
      'the first poll',
      () => t.text().includes('PROCESS') && !t.text().includes('reading sockets'),
    );
    t.write('e');
    t.press('enter');
    await t.until('the panes', () => t.text().includes('EVENTS') && t.text().includes('DETAILS'));
    const all = await listenAll();
    let x: number | undefined;
    for (const { what, shown, process, listener } of all) {
      t.write(`p${listener.local.port}\r`);
      const row = await t.until(what, () => rowOf(t, listener));
      expect(row).toMatchObject({
        mark: '+',
        process: shown,
        pid: String(process.pid),
        exposure: 'loopback',
      });
      // The address is in the cells below LOCAL, and that column never moves left, whatever the name is.
      const title = t.rows()[3]?.indexOf('LOCAL') ?? 0;
      expect(t.cell(title, row.y).text).toBe('1');
      expect(title).toBeGreaterThanOrEqual(x ?? title);
      x = title;
      await t.until(`the details of ${what}`, () => t.text().includes(`${shown}  pid ${process.pid}`));
      // The event log obeys the filter, so it shows the event of this socket: `+`, or `~` if a poll came before listen(2).
      const event = await t.until(`the event of ${what}`, () => eventsOf(t, listener)[0]);
      expect(['+', '~']).toContain(event[0]);
      const start = ` ${shown} ${process.pid} tcp `;
      expect(event.slice(1, 1 + start.length)).toBe(start);
      // `P` offers this name, and finds the process by it.
      t.write('P');
      const offered = shown.replace(/^"(.*)"$/, '$1');
      await t.until(`the offer of ${what}`, () => t.rows()[2]?.startsWith(`process: ${offered}`));
      t.press('enter');
      await t.until(
        `${what} alone`,
        () => / process:\S.* 1 of /.test(t.rows()[2] ?? '') && rowOf(t, listener),
      );
      t.write('P');
      t.press('backspace');
      t.press('enter');
      await t.until('no process', () => / listen :\d+ +1 of/.test(t.rows()[2] ?? ''));
    }
    expect(unsafeIn(t.received())).toEqual([]);
    expect(t.modes().alternateScreen).toBe(true);
  });

  test('are harmless text in the output of `ls`: on a terminal, in a pipe and as JSON', async () => {
    const all = await listenAll();
    const t = startNetpane({ args: ['ls', '--listen', '--tcp'], cols: 200, rows: 80 });
    const [plain, json] = await Promise.all([
      runNetpane(['ls', '--listen', '--tcp']),
      runNetpane(['ls', '--listen', '--tcp', '--json']),
      t.exited,
    ]);
    await t.until('the last line', () => t.text().includes('LISTEN'));
    const listed = JSON.parse(json.stdout) as { local: { port: number }; owners: { process: string }[] }[];
    const lineOf = (lines: string[], { local }: HerdSocket) =>
      lines.find((line) => line.includes(` ${local.port} `));
    for (const { shown, process, listener } of all) {
      expect(lineOf(t.rows(), listener)?.startsWith(`${shown} `)).toBe(true);
      const tabs = plain.stdout.split('\n').map((line) => line.split('\t'));
      const fields = tabs.find(([, , , , , port]) => port === String(listener.local.port));
      expect(fields?.slice(0, 2)).toEqual([shown, String(process.pid)]);
      expect(listed.find(({ local }) => local.port === listener.local.port)?.owners).toHaveLength(1);
    }
    // JSON has the whole name, with invisible characters escaped.
    const escapes =
      all[0] && listed.find(({ local }) => local.port === all[0]?.listener.local.port)?.owners[0]?.process;
    expect(escapes).toBe(names[0]?.[1]);
    for (const bytes of [t.received(), Buffer.from(plain.stdout), Buffer.from(json.stdout)]) {
      expect(bytes.toString()).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/);
    }
    expect(unsafeIn(t.received())).toEqual([]);
    expect(unsafeIn(Buffer.from(plain.stdout))).toEqual([]);
    // JSON escapes only invisible characters, and an accent is visible.
    expect(unsafeIn(Buffer.from(json.stdout))).toEqual(['\u0301']);
  });

  test('are harmless text in messages about the command line', async () => {
    const t = startNetpane({ args: [`--no-such-${ESC}]0;pwn\x07\u009b{red-fg}`] });
    expect(await t.exited).toMatchObject({ exitCode: 2 });
    await t.until('the message', () => t.text().includes('unknown option'));
    expect(unsafeIn(t.received())).toEqual([]);
    cleanUp(() => t.close());
  });
});
