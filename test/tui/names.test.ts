import { expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import type { State } from '../../src/store/state.ts';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, emptyState, queryFrom, socket } from '../helpers/fakes.ts';
import { UNSAFE } from '../helpers/lines.ts';

const ENTER = '\r';

const peer = (id: string, address: string) =>
  socket({ id, process: id, pid: 1, local: '10.0.0.1:5000', remote: `${address}:443` });

const SOCKETS = [
  peer('api', '192.0.2.1'),
  peer('none', '192.0.2.2'),
  peer('slow', '192.0.2.3'),
  peer('lost', '192.0.2.4'),
  socket({ id: 'll', process: 'server', pid: 2, local: '0.0.0.0:80', remote: null, state: 'LISTEN' }),
];

async function open(changes: Partial<State> = {}, rows = 30): Promise<FakeApp> {
  const app = new FakeApp(130, rows, { ...emptyState(), ...changes });
  app.names = {
    '192.0.2.1': { type: 'name', name: 'api.example', others: 1, from: 'reverse-dns' },
    '192.0.2.2': { type: 'none' },
    '192.0.2.4': { type: 'failed', why: 'no answer in time' },
  };
  return app.take(baseline(SOCKETS));
}

/** Returns the cells in the column HOST, by program. */
function hosts(app: FakeApp): Record<string, string> {
  const lines = app.text.split('\n');
  const titles = lines.find((it) => it.includes('HOST')) ?? '';
  const at = titles.indexOf('HOST');
  const cells = SOCKETS.map(({ owners: [owner] }) => owner?.process ?? '').flatMap((name) => {
    const line = lines.find((it) => it.trimStart().startsWith(`${name} `));
    return line && at > 0 ? [[name, line.slice(at).split(/\s/)[0] ?? ''] as const] : [];
  });
  return Object.fromEntries<string>(cells);
}

test('no name is asked for until R is pressed', async () => {
  const app = await open();
  await app.press('j', ENTER);
  expect(app.askedNames).toEqual([]);
  expect(app.text).not.toContain('HOST');
});

test('R asks for the peers on the screen and shows their names; R again stops', async () => {
  const app = await open();
  await app.press('R');
  expect(app.text).toContain('asking your name servers about each peer on the screen');
  expect(new Set(app.askedNames[0])).toEqual(new Set(['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']));
  expect(hosts(app)).toEqual({ api: 'api.example', none: '·', slow: '…', lost: '?', server: '·' });
  // Only what has no answer is asked for again.
  await app.press('j');
  expect(app.askedNames.at(-1)).toEqual(['192.0.2.3']);
  await app.press('R');
  expect(app.askedNames.at(-1)).toEqual([]);
  const { length } = app.askedNames;
  await app.press('j', 'k');
  expect(app.askedNames).toHaveLength(length);
});

test('peers beyond the end of the screen are not asked for', async () => {
  const app = await open({ lookups: { ...NO_LOOKUPS, asksNames: true } }, 7);
  const first = app.askedNames.flat();
  expect(first.length).toBeGreaterThan(0);
  expect(first).not.toContain('192.0.2.3');
});

test('the details say the source and the age of a name, or why there is none', async () => {
  const app = await open({ lookups: { ...NO_LOOKUPS, asksNames: true }, query: queryFrom('api') });
  await app.pass(3 * 60_000);
  await app.take(batch({ monotonicMs: 3 * 60_000 }));
  await app.press(ENTER);
  expect(app.text).toMatch(/host +api\.example +and 1 more +by reverse DNS, 3m ago/);
});

test('a group of one host has its name in its header', async () => {
  const app = await open({ lookups: { ...NO_LOOKUPS, asksNames: true }, group: 'host' });
  expect(app.text).toContain('▾ 192.0.2.1 api.example (1)');
  expect(app.text).toContain('▾ 192.0.2.2 (1)');
});

test('a query finds the names that are known, and says how many these are', async () => {
  const app = await open();
  await app.press('/');
  await app.type('host:*.example');
  await app.press(ENTER);
  expect(app.text).toContain('knows 0 names of peers: R asks');
  expect(app.text).not.toContain('192.0.2.1');
  await app.press('/', '\x15', ENTER, 'R', 'j', '/');
  await app.type('host:*.example');
  await app.press(ENTER);
  expect(app.text).toContain('knows 1 name of peers');
  expect(app.text).toContain('192.0.2.1');
  expect(app.text).not.toContain('192.0.2.2');
});

test('a hostile name is printable', async () => {
  const app = await open();
  app.names = {
    '192.0.2.1': { type: 'name', name: '\x1b[2J\u202eevil{bold}\n', others: 0, from: 'hosts' },
    '192.0.2.2': { type: 'failed', why: '\x1b]0;x\x07' },
  };
  await app.press('R', ENTER);
  expect(app.text).toContain('evil{bold}');
  expect(app.text.replaceAll('\n', '')).not.toMatch(UNSAFE);
});

/** Names that programs asked for: of an address, and of the connection to another one. */
const ASKED: Action = {
  type: 'asked-names',
  names: [
    { subject: '192.0.2.1', name: 'a\x1b[31m.example', others: 2, from: 'dns' },
    {
      subject: 'tcp 10.0.0.1 5000 192.0.2.2 443',
      name: 'tls.example',
      others: 0,
      from: 'tls',
    },
    { subject: '192.0.2.2', name: 'dns.example', others: 0, from: 'dns' },
  ],
  atMs: 0,
};

test('names that programs asked for are shown with the sign of their source, without a question', async () => {
  const app = await open();
  app.app.dispatch(ASKED);
  await app.press('j');
  expect(app.text).toContain('≈ a?[31m.example');
  expect(app.text).toContain('= tls.example');
  expect(app.lines.filter((it) => UNSAFE.test(it))).toEqual([]);
  expect(app.askedNames).toEqual([]);
  // Only those without a name are asked about.
  await app.press('R');
  expect(new Set(app.askedNames[0])).toEqual(new Set(['192.0.2.3', '192.0.2.4']));
});

test('the details have all names with their sources', async () => {
  const app = await open({ query: queryFrom('none') });
  app.app.dispatch(ASKED);
  await app.pass(3 * 60_000);
  await app.take(batch({ monotonicMs: 3 * 60_000 }));
  await app.press(ENTER);
  expect(app.text).toMatch(/host += tls\.example +by TLS, 3m ago/);
  expect(app.text).toMatch(/≈ dns\.example +by DNS, 3m ago/);
});

test('a query finds the names that programs asked for', async () => {
  const app = await open();
  app.app.dispatch(ASKED);
  await app.press('/');
  await app.type('host:tls');
  await app.press(ENTER);
  expect(app.text).toContain('knows 3 names of peers');
  expect(app.text).toContain('192.0.2.2');
  expect(app.text).not.toContain('192.0.2.1');
});
