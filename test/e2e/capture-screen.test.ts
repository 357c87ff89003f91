// Connections that live shorter than an interval, on the screen: the table and the event log show each of them.
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import type { KeyName } from '../helpers/terminal-keys.ts';
import { pollsByHand, startNetpane, tableRows } from './netpane.ts';
import { all, countBy, MANY, noTrace, why } from './short-lives.ts';
import { Stage } from './stage.ts';

describe.skipIf(noTrace !== undefined)(`on the screen, as root${why(noTrace)}`, () => {
  /**
   * Pages through the screen until it has shown `count` lines.
   * @param parse returns the key and the text of a line, undefined for one that does not count
   */
  async function readPages(
    t: Terminal,
    key: KeyName,
    count: number,
    parse: (line: string) => [string, string] | undefined,
  ) {
    const lines = new Map<string, string>();
    const addPage = () => {
      for (const row of t.rows()) {
        const [name, text] = parse(row) ?? [];
        if (name !== undefined && text !== undefined) lines.set(name, text);
      }
    };
    const isNew = (line: [string, string] | undefined) => line !== undefined && !lines.has(line[0]);
    addPage();
    while (lines.size < count) {
      const before = t.bytesWritten;
      t.press(key);
      let last = before;
      await t.until(`another page after ${lines.size} of ${count}`, () => {
        const isPainted = last > before && t.bytesWritten === last;
        last = t.bytesWritten;
        // The only sign of a page without new lines is that bytes have arrived, and no more follow.
        return isPainted || t.rows().some((row) => isNew(parse(row)));
      });
      addPage();
    }
    return lines;
  }

  test('shows 1,000 connections between two polls in the table and in the event log', async () => {
    const stage = await Stage.create();
    const server = await stage.serve();
    const polls = pollsByHand();
    const t = startNetpane({
      ...polls.start,
      through: [...stage.through],
      args: ['--interval', '100ms', '--linger', '60m', '--port', String(server.port)],
      cols: 200,
      rows: 300,
    });
    await t.until('the listener', () => tableRows(t).length === 1);
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    polls.allow(1);
    await t.until('the next poll', () => polls.areDone() && tableRows(t).length > 200);
    t.press('end');
    t.press('enter');
    await t.until('the unfolded remnants', () => t.text().includes('enter folds them'));

    t.press('home');
    const row =
      /^([-+~ ]) (\S+) +(\d+) .* 127\.0\.0\.1 +(\d+) +127\.0\.0\.1 +(\d+) +(\S+)(?: +\S+){4} +(\S+) +(\S+) /;
    const rows = await readPages(t, 'pagedown', 2 * MANY, (line) => {
      const [, mark, process, pid, local, remote, state, rx, tx] = row.exec(line) ?? [];
      return mark === undefined
        ? undefined
        : [`${local} ${remote}`, `${mark} ${process} ${pid} ${state} ↓${rx} ↑${tx}`];
    });
    const text = (mark: string, { name, pid }: { name: string; pid: number }, state: string, bytes: string) =>
      `${mark} ${name} ${pid} ${state} ${bytes}`;
    const near = client.ports.map((port) => rows.get(`${port} ${server.port}`));
    const far = client.ports.map((port) => rows.get(`${server.port} ${port}`));
    // The end that closes first stays in TIME_WAIT for a minute.
    expect(countBy(near, (it) => it)).toEqual({
      ...all(MANY / 2, text('+', { ...client, name: `(${client.name})` }, 'TIME_WAIT', '↓3 ↑5')),
      ...all(MANY / 2, text('-', client, 'LAST_ACK', '↓3 ↑5')),
    });
    expect(countBy(far, (it) => it)).toEqual({
      ...all(MANY / 2, text('+', { pid: server.pid, name: `(${server.name})` }, 'TIME_WAIT', '↓5 ↑3')),
      ...all(MANY / 2, text('-', server, 'LAST_ACK', '↓5 ↑3')),
    });

    t.write('e');
    await t.until('the event log', () => /^EVENTS .*4,000 of /m.test(t.text()));
    t.press('tab');
    await t.until('the focus in the log', () => t.text().includes('▸ EVENTS'));
    const event = /^\S+ ([-+~]) (\S+) +(\d+) +tcp 127\.0\.0\.1:(\d+) [→←–] 127\.0\.0\.1:(\d+) +(.*)$/;
    const events = await readPages(t, 'pageup', 4 * MANY, (line) => {
      const [, mark, process, pid, local, remote, what = ''] = event.exec(line) ?? [];
      if (mark === undefined) return undefined;
      return [`${mark} ${local} ${remote}`, `${process} ${pid} ${what.replace(/^lived \S+ \S+ +/, '')}`];
    });
    // A program in parentheses has closed the socket. A spawn has the state of the next poll, which varies.
    const spawned = (text: string | undefined) => text?.replace(/^\(?(\w+)\)? (\d+) .*$/, '$1 $2');
    const linesOf = (mark: string, convert = (text: string | undefined) => text) => [
      countBy(client.ports, (port) => convert(events.get(`${mark} ${port} ${server.port}`))),
      countBy(client.ports, (port) => convert(events.get(`${mark} ${server.port} ${port}`))),
    ];
    expect(linesOf('-')).toEqual([
      all(MANY, `${client.name} ${client.pid} ↓ 3 B ↑ 5 B`),
      all(MANY, `${server.name} ${server.pid} ↓ 5 B ↑ 3 B`),
    ]);
    expect(linesOf('+', spawned)).toEqual([
      all(MANY, `${client.name} ${client.pid}`),
      all(MANY, `${server.name} ${server.pid}`),
    ]);
  });
});
