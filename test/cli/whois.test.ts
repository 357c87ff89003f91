import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { Whois } from '../../src/model/whois.ts';
import { askWhois, MAX_ANSWER, WHOIS_MS } from '../../src/cli/whois.ts';
import { referralIn, whoisServerOf } from '../../src/cli/whois-server.ts';

const ADDRESS = '203.0.113.5';

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Behaviour of a server on a request. */
type Act = (socket: Socket, request: string) => void;

const answer =
  (text: string): Act =>
  (socket) =>
    void socket.end(text);

/** Starts a server on loopback. Returns its port. */
async function serve(act: Act): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', (data) => act(socket, String(data)));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Asks about ADDRESS, first the server `a`. Resolves to all reports. @param acts what each server does, by its name */
async function ask(acts: Readonly<Record<string, Act>>): Promise<Whois[]> {
  const ports = new Map<string, number>();
  for (const [name, act] of Object.entries(acts)) ports.set(name, await serve(act));
  const reports: Whois[] = [];
  await askWhois(
    ADDRESS,
    { host: 'a', port: 43 },
    (whois) => reports.push(whois),
    (host) => connect(ports.get(host) ?? 1, '127.0.0.1'),
  );
  return reports;
}

test('follows referrals, says which servers were asked, and keeps the last answer', async () => {
  const requests: string[] = [];
  const reports = await ask({
    a: (socket, request) => {
      requests.push(request);
      socket.end('refer:        b.\n\nwhois:  b.\n'.replaceAll('b.', 'b'));
    },
    b: answer('ReferralServer:  whois://c:43\r\nOrgName: B\r\n'),
    c: answer('% C\nnetname: C-NET\n'),
  });
  expect(requests).toEqual([`${ADDRESS}\r\n`]);
  expect(reports.map(({ asked }) => asked.join())).toEqual(['a', 'a,b', 'a,b,c', 'a,b,c']);
  expect(reports.at(-1)).toEqual({
    address: ADDRESS,
    asked: ['a', 'b', 'c'],
    answeredBy: 'c',
    text: '% C\nnetname: C-NET\n',
    isComplete: true,
  });
});

test('keeps the answer of a server whose referral cannot be followed', async () => {
  const last = (await ask({ a: answer('refer: b\n') })).at(-1);
  expect(last).toMatchObject({ answeredBy: 'a', text: 'refer: b\n', isComplete: true });
  expect(last?.problem).toMatch(/^b: .*ECONNREFUSED/);
});

test.each<[string, Readonly<Record<string, Act>>, string | undefined]>([
  ['to each other', { a: answer('refer: b'), b: answer('refer: A') }, 'the servers refer to each other: a'],
  ['to itself', { a: answer('whois: a') }, undefined],
  ['to another port', { a: answer('refer: b:22') }, 'not followed: b at port 22, which is not that of whois'],
  [
    'too often',
    Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name, i) => [name, answer(`refer: ${'bcdef'[i]}`)])),
    'not followed: f, after 4 referrals',
  ],
  ['to nothing', { a: answer('') }, 'a: empty answer'],
])('servers that refer %s come to an end', async (_, acts, problem) => {
  expect((await ask(acts)).at(-1)).toMatchObject({
    isComplete: true,
    ...(problem !== undefined && { problem }),
  });
});

test.each<[string, Act, string]>([
  ['is silent', () => {}, ''],
  ['sends a part', (socket) => void socket.write('netname: A\n'), 'netname: A\n'],
])('a server that %s is left after 10 seconds', async (_, act, text) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const reports = await ask({
    a: (socket, request) => {
      act(socket, request);
      // After the text, which the kernel delivers in order, has been sent.
      socket.write('', () => setImmediate(() => setImmediate(() => vi.advanceTimersByTime(WHOIS_MS))));
    },
  });
  expect(reports.at(-1)).toMatchObject({ problem: 'a: no full answer within 10 s', isComplete: true });
  expect(['', text]).toContain(reports.at(-1)?.text);
});

test('a huge answer is cut', async () => {
  const last = (
    await ask({
      a: (socket) => {
        for (let i = 0; i < 40; i++) socket.write('x'.repeat(10_000));
      },
    })
  ).at(-1);
  expect(last?.text).toHaveLength(MAX_ANSWER);
  expect(last?.problem).toBe('a: only the first 64 KiB are shown');
});

test('bytes that are no text do not stop it', async () => {
  const last = (
    await ask({ a: (socket) => void socket.end(Buffer.from([0x1b, 0x5d, 0xff, 0xfe, 0x00, 0x0a])) })
  ).at(-1);
  expect(last).toMatchObject({ answeredBy: 'a', isComplete: true });
});

test('a referral is a host, with a port or without', () => {
  expect(referralIn('a\n  ReferralServer:  whois://whois.RIPE.net:43/\n')).toEqual({
    host: 'whois.ripe.net',
    port: 43,
  });
  expect(referralIn('refer: whois.arin.net\r\n')).toEqual({ host: 'whois.arin.net', port: 43 });
  for (const text of [
    '',
    'remarks: refer: a',
    'ReferralServer: rwhois://a:4321',
    'refer: a b',
    'refer: /etc',
    `refer: ${'a'.repeat(400)}`,
  ])
    expect([text, referralIn(text)]).toEqual([text, undefined]);
});

test('the setting is a host, with a port or without', () => {
  expect(whoisServerOf('whois.ripe.net')).toEqual({ host: 'whois.ripe.net', port: 43 });
  expect(whoisServerOf('[2001:DB8::1]:4343')).toEqual({ host: '2001:db8::1', port: 4343 });
  for (const text of ['', 'a b', 'a:0', 'a:65536', 'a:', '2001:db8::1', 'whois://a'])
    expect([text, whoisServerOf(text)]).toEqual([text, undefined]);
});
