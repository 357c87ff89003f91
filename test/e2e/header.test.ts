// The texts of the header and the bottom: diagnoses, and what happened while the user was away.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Herd } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { cleanUp, faults, hasNetlink, isLinux, isRoot, newHerd, newHome, uniqueName } from './netpane.ts';
import { atEachSize, filterLine, resize, SIZES, typeQuery, useNetpane } from './scene.ts';

const [cols, rows] = SIZES[0];

/** Returns the filter line without the numbers of sockets, which change at any time. */
const queryOf = (t: Terminal): string => filterLine(t).split(/ {2,}/)[0] ?? '';

/** Presses the key of diagnoses, and waits for the query of the next one. A second press before that would skip it. */
async function pressNext(t: Terminal): Promise<void> {
  const before = queryOf(t);
  t.write('!');
  await t.until('the next diagnosis', () => queryOf(t) !== before);
}

/** Presses the key until the query is that of the wanted diagnosis: other tests may cause more urgent ones. */
async function showDiagnosis(t: Terminal, isWanted: () => boolean): Promise<void> {
  while (!isWanted()) await pressNext(t);
}

const bottomLine = (t: Terminal, fromBottom = 2): string => t.rows().at(-fromBottom) ?? '';

/** Once the test creates this file, the clock of netpane is ten minutes ahead. */
let away = '';
beforeAll(() => {
  away = join(newHome(), 'away');
});

const netpane = useNetpane(() => ({
  args: ['--interval', '200ms'],
  cols,
  rows,
  nodeArgs: ['--require', faults],
  env: { NETPANE_FAULT: 'clock-ahead', NETPANE_FAULT_FILE: away },
}));

/** Waits for the first poll, and for the size. */
async function show(size: readonly [cols: number, rows: number] = [cols, rows]): Promise<Terminal> {
  const t = netpane();
  await t.until('the first poll', () => / of /.test(filterLine(t)));
  await resize(t, ...size);
  return t;
}

describe.skipIf(!isLinux)(
  'what matters stays on the screen (skipped elsewhere: the herd needs Linux)',
  () => {
    const name = uniqueName();
    const herd = new Herd();
    // Twelve connections of the first process are in CLOSE_WAIT.
    beforeAll(async () => {
      const [server, client] = await Promise.all([
        herd.spawn({ title: `${name}-srv` }),
        herd.spawn({ title: `${name}-cli` }),
      ]);
      const { near } = await client.connect(server, await server.listen(), { count: 12 });
      await client.halfClose(near);
    });
    afterAll(() => herd.close());

    test('the header names counts and rate, and a diagnosis filters to its sockets, at five sizes', async () => {
      const t = await show();
      await t.until('a diagnosis', () => bottomLine(t).startsWith('! '));
      await atEachSize(t, (width) => {
        const header = t.rows().slice(0, 2).join('\n');
        expect(header).toMatch(/\d sockets|\d{2}/);
        if (width >= 120) expect(header).toContain(hostname());
        expect(header).toMatch(/\+\d+ +−\d+/);
        expect(header).not.toContain('poll ');
        expect(bottomLine(t)).toMatch(/^! \S/);
      });
      await showDiagnosis(t, () => filterLine(t).startsWith(`/ process=${name}-srv state:CLOSE_WAIT`));
      await atEachSize(t, async () => {
        expect(filterLine(t)).toContain(`/ process=${name}-srv`);
        expect(filterLine(t)).toContain('12 of ');
        await t.until('its text', () => bottomLine(t).startsWith(`! ${name}-srv: 12 CLOSE_WAIT`));
      });
      // Another query, from which the key leads back.
      await atEachSize(t, async () => {
        typeQuery(t, `process:${name}\r`);
        await t.until('the other query', () => !filterLine(t).includes('='));
        await showDiagnosis(t, () => filterLine(t).startsWith(`/ process=${name}-srv`));
      });
    });

    test('a click filters too, and D shows what a poll costs, at 80×24', async () => {
      const t = await show();
      await t.until('a diagnosis', () => bottomLine(t).startsWith('! '));
      await showDiagnosis(t, () => filterLine(t).startsWith(`/ process=${name}-srv state:CLOSE_WAIT`));
      t.write('\x1b');
      await t.until('all sockets', () => !filterLine(t).startsWith('/'));
      t.write('\x1b[<0;5;23M\x1b[<0;5;23m');
      await t.until('the first diagnosis', () => /^\/ .*(process|state|listen)/.test(filterLine(t)));
      t.write('D');
      await t.until('the cost', () => /^poll \S+ ms .* every 200ms/.test(t.rows()[1] ?? ''));
      t.write('D');
      await t.until('no cost', () => !t.rows()[1]?.startsWith('poll '));
    });
  },
);

const ip = (words: string): boolean => spawnSync('ip', words.split(' ')).status === 0;

/** Addresses of the two namespaces (RFC 5737), and a hardware address that none of their interfaces has. */
const [SERVER, CLIENT, NOWHERE] = ['192.0.2.1', '192.0.2.2', '02:00:00:00:00:99'];

/** A network namespace of `ip netns`, joined with another one by its interface `wire`. */
interface Joined {
  readonly name: string;
  /** The command that runs a process in it. */
  readonly through: readonly string[];
  /** Makes its packets for an address go to a hardware address that no interface has: they are lost without an error. */
  readonly lose: (address: string) => boolean;
}

/** Returns two joined network namespaces, of a server and a client; undefined if they cannot be made. */
function joinedNamespaces(): readonly [Joined, Joined] | undefined {
  const made = [SERVER, CLIENT].map((): Joined | undefined => {
    const name = uniqueName();
    if (!hasNetlink || !ip(`netns add ${name}`)) return undefined;
    cleanUp(() => ip(`netns del ${name}`));
    return {
      name,
      through: ['ip', 'netns', 'exec', name],
      lose: (address) => ip(`-n ${name} neigh replace ${address} lladdr ${NOWHERE} dev wire nud permanent`),
    };
  });
  const [server, client] = made;
  if (
    !server ||
    !client ||
    !ip(`link add wire netns ${server.name} type veth peer name wire netns ${client.name}`)
  )
    return undefined;
  const isUp = (it: Joined, address: string): boolean =>
    ip(`-n ${it.name} addr add ${address}/24 dev wire`) && ip(`-n ${it.name} link set wire up`);
  return isUp(server, SERVER) && isUp(client, CLIENT) ? [server, client] : undefined;
}

/** Shows the sockets of a diagnosis, once there is one about this program. Others may come before it, and go. */
async function goToDiagnosis(t: Terminal, text: string, query: string): Promise<void> {
  while (!filterLine(t).startsWith(query)) {
    await t.until(
      `a diagnosis with ${text}, or several`,
      () => bottomLine(t).includes(text) || / \d+ of \d+ {2}/.test(bottomLine(t)),
      { timeoutMs: 30_000 },
    );
    await pressNext(t);
  }
}

describe.skipIf(!isRoot)('diagnoses of a network (skipped elsewhere: needs root)', () => {
  test('many half-open connections are a SYN flood', async ({ skip }) => {
    const joined = joinedNamespaces();
    if (joined === undefined) return skip('no joined network namespaces can be made here');
    const [{ through, lose, name: ns }, outside] = joined;
    const herd = newHerd();
    const server = await herd.spawn({ through });
    const listener = await server.listen({ host: SERVER });
    // The server's answers are lost, so no handshake is completed.
    expect(lose(CLIENT)).toBe(true);
    const client = await herd.spawn({ through: outside.through });
    const ended = client.connect(server, listener, { count: 40 }).catch(() => undefined);
    const t = await show([120, 40]);
    await goToDiagnosis(t, 'SYN flood', `/ state:SYN_RECV lport:${listener.local.port} ns:${ns}`);
    await t.until('its sockets', () => / 40 of /.test(filterLine(t)));
    await t.until('its text', () => bottomLine(t).includes('40 SYN_RECV, a SYN flood?'));
    await client.end();
    await ended;
  });

  test('segments that are sent again are a diagnosis of the program', async ({ skip }) => {
    const joined = joinedNamespaces();
    if (joined === undefined) return skip('no joined network namespaces can be made here');
    const [outside, { through, lose }] = joined;
    const herd = newHerd();
    const name = uniqueName();
    const server = await herd.spawn({ title: `${name}-srv`, through: outside.through });
    const client = await herd.spawn({ title: `${name}-cli`, through });
    const { near } = await client.connect(server, await server.listen({ host: SERVER }), { count: 10 });
    const t = await show([120, 40]);
    typeQuery(t, `process:${name}\r`);
    await t.until('the sockets', () => / 21 of /.test(filterLine(t)));
    expect(lose(SERVER)).toBe(true);
    await client.send(near, 1);
    await goToDiagnosis(t, `${name}-cli: `, `/ process=${name}-cli retr>0`);
    await t.until('its sockets', () => / 10 of /.test(filterLine(t)));
    await t.until('its text', () =>
      new RegExp(`^! ${name}-cli: \\d+ % of segments retransmitted, \\d+ in 30s`).test(bottomLine(t)),
    );
  });
});

// Last, because the clock does not go back.
describe.skipIf(!isLinux)('an absence (skipped elsewhere: the herd needs Linux)', () => {
  test('the first key after an absence says what happened, and a new listener stays marked, at five sizes', async () => {
    const name = uniqueName();
    const herd = newHerd();
    const server = await herd.spawn({ title: `${name}-srv` });
    await server.listen();
    const t = await show();
    typeQuery(t, `process:${name}\r`);
    await t.until('the listener', () => /\b1 of /.test(filterLine(t)));
    writeFileSync(away, '');
    const { local } = await (await herd.spawn({ title: `${name}-new` })).listen();
    const row = () => t.rows().find((line) => line.includes(String(local.port))) ?? '';
    await t.until('the new listener', () => row().startsWith('+ '));
    await atEachSize(t, () => expect(row()).toMatch(/^\+ /));
    t.write('n');
    const report = () => (bottomLine(t).startsWith('!') ? bottomLine(t, 3) : bottomLine(t));
    await t.until('the report', () => report().includes('10m '));
    expect(row()).toMatch(/^\+ /);
    await atEachSize(t, (width) => {
      expect(report()).toMatch(/\+[\d,]+ −[\d,]+ · \d+ new l/);
      if (width >= 60) expect(report()).toMatch(/ new listeners? · \d+ programs? not seen before/);
      if (width >= 120) expect(report()).toMatch(/^since you last looked, 10m/);
    });
    await t.until('the listener without a mark', () => /^ /.test(row()));
  });
});
