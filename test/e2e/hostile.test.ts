// Whatever a program calls itself, no byte of it is a command to the terminal.
import { describe, expect, test } from 'vitest';
import type { HerdSocket } from '../helpers/herd.ts';
import { cleanUp, eventsOf, isLinux, newHerd, rowOf, runNetpane, startNetpane } from './netpane.ts';

const ESC = '\x1b';

/** What is to be seen of each name; of one beyond the kernel's 15 bytes the rest is in the command line. */
const names: [what: string, title: string, shown: string][] = [
  ['escape codes', `${ESC}[2J${ESC}[31mEVIL${ESC}c`, '?[2J?[31mEVIL?c'],
  ['a title of the window', `${ESC}]0;pwn\x07np`, '?]0;pwn?np'],
  ['tags of blessed', '{red-fg}{bold}np', '{red-fg}{bold}np'],
  ['controls C1', 'np\u009b31m\u0085\u0090', '"np?31m??"'],
  ['bidi controls', 'np\u202egpj\u2066exe', 'np?gpj?exe'],
  ['line ends and tabs', 'np\r\nroot\ttcp', 'np??root?tcp'],
  ['what has no width', 'n\u200bp\u0301\u00ad\ufeffx', 'n?\u1e55??x'],
  ['a closing parenthesis', 'np) R 1 (init', 'np) R 1 (init'],
  ['two cells a character', '漢字ネットくん', '漢字ネットくん'],
];

// What must never come from netpane, though it writes escape codes of its own.
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
  async function crowd() {
    const herd = newHerd();
    return Promise.all(
      names.map(async ([what, title, shown]) => {
        const process = await herd.spawn({ title });
        return { what, shown, process, listener: await process.listen() };
      }),
    );
  }

  /** Five bytes a program chose that are no text at all. */
  async function notText() {
    const process = await newHerd().spawn({ comm: Buffer.from([0x9b, 0x33, 0x31, 0x6d, 0xff, 0x1b, 0x63]) });
    return { what: 'no text', shown: '?31m??c', process, listener: await process.listen() };
  }

  test('the table, the details, the event log and the prompts show harmless text', async () => {
    const args = ['--interval', '100ms', '--linger', '60m', '--listen', '--tcp'];
    // Wide enough for the column of namespaces too, which is there where the machine has several.
    const t = startNetpane({ cols: 140, rows: 60, args });
    // What is typed before is not raw yet: enter would be another key.
    await t.until('the screen', () => t.text().includes('PROCESS'));
    t.write('e');
    t.press('enter');
    await t.until('the panes', () => t.text().includes('EVENTS') && t.text().includes('DETAILS'));
    const all = [...(await crowd()), await notText()];
    let x: number | undefined;
    for (const { what, shown, process, listener } of all) {
      t.write(`p${listener.local.port}\r`);
      const row = await t.until(what, () => rowOf(t, listener));
      expect(row).toMatchObject({ mark: '+', process: shown, pid: String(process.pid), state: 'LISTEN' });
      // Whatever stands before it, a column stands where it stood; the text of the row cannot tell in which cell.
      const title = t.rows()[3]?.indexOf('LOCAL') ?? 0;
      expect(t.cell(title, row.y).text).toBe('1');
      expect(title).toBeGreaterThanOrEqual(x ?? title);
      x = title;
      await t.until(`the details of ${what}`, () => t.text().includes(`${shown}  pid ${process.pid}`));
      // The filter has brought it into sight, whatever else happens on the machine.
      expect(await t.until(`the event of ${what}`, () => eventsOf(t, listener)[0])).toContain(
        `+ ${shown} ${process.pid} tcp `,
      );
      // The offer of `P` is the very name: what is searched by it is found.
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

  test('`ls` prints harmless text, to a terminal, to a pipe and as JSON', async () => {
    const all = [...(await crowd()), await notText()];
    const t = startNetpane({ args: ['ls', '--listen', '--tcp'], cols: 200, rows: 80 });
    await t.exited;
    await t.until('the last line', () => t.text().includes('LISTEN'));
    const plain = await runNetpane(['ls', '--listen', '--tcp']);
    const json = await runNetpane(['ls', '--listen', '--tcp', '--json']);
    const listed = JSON.parse(json.stdout) as { local: { port: number }; owners: { process: string }[] }[];
    const lineOf = (lines: string[], { local }: HerdSocket) =>
      lines.find((line) => line.includes(` ${local.port} `));
    for (const { shown, process, listener } of all) {
      expect(lineOf(t.rows(), listener)?.startsWith(`${shown} `)).toBe(true);
      const tabs = plain.stdout.split('\n').map((line) => line.split('\t'));
      const fields = tabs.find(([, , , , , port]) => port === String(listener.local.port));
      expect(fields?.slice(0, 2)).toEqual([shown, String(process.pid)]);
      // JSON has the name as it is, every character that is not to be seen escaped.
      expect(listed.find(({ local }) => local.port === listener.local.port)?.owners).toHaveLength(1);
    }
    const escapes =
      all[0] && listed.find(({ local }) => local.port === all[0]?.listener.local.port)?.owners[0]?.process;
    expect(escapes).toBe(names[0]?.[1]);
    for (const bytes of [t.received(), Buffer.from(plain.stdout), Buffer.from(json.stdout)]) {
      expect(bytes.toString()).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/);
    }
    expect(unsafeIn(t.received())).toEqual([]);
    expect(unsafeIn(Buffer.from(plain.stdout))).toEqual([]);
    // An accent is to be seen, and JSON is not laid out in cells.
    expect(unsafeIn(Buffer.from(json.stdout))).toEqual(['\u0301']);
  });

  test('hostile words on the command line come back harmless too', async () => {
    const t = startNetpane({ args: [`--no-such-${ESC}]0;pwn\x07\u009b{red-fg}`] });
    expect(await t.exited).toMatchObject({ exitCode: 2 });
    await t.until('the message', () => t.text().includes('unknown option'));
    expect(unsafeIn(t.received())).toEqual([]);
    cleanUp(() => t.close());
  });
});
