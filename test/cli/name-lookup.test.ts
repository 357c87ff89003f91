import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { nameInHosts, nameLookup, pointerName } from '../../src/cli/name-lookup.ts';
import { bitsOf } from '../../src/model/address-bits.ts';

import { printable } from '../../src/model/text.ts';
import { useFolders } from '../helpers/folder.ts';
import { UNSAFE } from '../helpers/lines.ts';

const newFolder = useFolders();
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

const NO_HOSTS = '/dev/null';
const [PTR, IN] = [12, 1];

/** Returns a domain name of these labels, as bytes on the wire (RFC 1035, section 3.1). */
const domain = (...labels: (string | Buffer)[]): Buffer =>
  Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

/** Returns an answer to a question with these names. @param code the response code: 0 for success, 3 for NXDOMAIN */
function answerTo(question: Buffer, names: readonly Buffer[], code = 0): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(names.length, 6);
  header.writeUInt32BE(0, 8);
  // The question ends with the name, its type and its class.
  const end = question.indexOf(0, 12) + 5;
  const records = names.map((name) => {
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xc00c, 0);
    head.writeUInt16BE(PTR, 2);
    head.writeUInt16BE(IN, 4);
    head.writeUInt32BE(60, 6);
    head.writeUInt16BE(name.length, 10);
    return Buffer.concat([head, name]);
  });
  return Buffer.concat([header, question.subarray(12, end), ...records]);
}

/** Starts a name server on loopback. @param answer returns the answers to a question */
async function startServer(answer: (question: Buffer) => readonly Buffer[]) {
  const socket = createSocket('udp4');
  sockets.push(socket);
  const asked: string[] = [];
  socket.on('message', (question: Buffer, { port, address }: RemoteInfo) => {
    asked.push(nameIn(question));
    for (const it of answer(question)) socket.send(it, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { asked, servers: [`127.0.0.1:${socket.address().port}`] };
}

/** Returns the domain of a question. */
function nameIn(question: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; question[at]; at += 1 + (question[at] ?? 0))
    labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] ?? 0)));
  return labels.join('.');
}

const ADDRESS = '192.0.2.7';

describe('a name server', () => {
  const lookedUp = async (answer: (question: Buffer) => readonly Buffer[], timeoutMs?: number) => {
    const { servers, asked } = await startServer(answer);
    const found = await nameLookup({ hostsFile: NO_HOSTS, servers, ...(timeoutMs && { timeoutMs }) })(
      ADDRESS,
    );
    return { found, asked };
  };

  test('says the name of an address', async () => {
    const { found, asked } = await lookedUp((it) => [answerTo(it, [domain('API', 'example')])]);
    expect(found).toEqual({ type: 'name', name: 'api.example', others: 0, from: 'reverse-dns' });
    expect(asked).toEqual(['7.2.0.192.in-addr.arpa']);
  });

  test('says several names, of which the first in alphabetical order is taken', async () => {
    const names = ['c', 'a', 'b', 'a'].map((it) => domain(it, 'example'));
    const { found } = await lookedUp((it) => [answerTo(it, names)]);
    expect(found).toEqual({ type: 'name', name: 'a.example', others: 2, from: 'reverse-dns' });
  });

  test('says that there is no name (NXDOMAIN), or an empty answer', async () => {
    expect((await lookedUp((it) => [answerTo(it, [], 3)])).found).toEqual({ type: 'none' });
    expect((await lookedUp((it) => [answerTo(it, [])])).found).toEqual({ type: 'none' });
  });

  test('refuses', async () => {
    const { found } = await lookedUp((it) => [answerTo(it, [], 5)]);
    expect(found).toEqual({ type: 'failed', why: 'the name server refused' });
  });

  test('is silent: the time is over', async () => {
    const { found, asked } = await lookedUp(() => [], 100);
    expect(found).toEqual({ type: 'failed', why: 'no answer in time' });
    expect(asked).toEqual(['7.2.0.192.in-addr.arpa']);
  });

  test('sends escape bytes, which never reach the screen', async () => {
    const { found } = await lookedUp((it) => [answerTo(it, [domain('\x1b[31m\x07', 'ex\nample')])]);
    const text = found.type === 'name' ? found.name : '';
    expect(text).toContain('[31m');
    expect(printable(text)).not.toMatch(UNSAFE);
  });

  test('sends a name as long as a message can have', async () => {
    // Each byte of these labels is written as an escape of four characters.
    const label = Buffer.alloc(63, 0x01);
    const { found } = await lookedUp((it) => [answerTo(it, [domain(label, label, label)])]);
    // Which of the two depends on the version of c-ares.
    const reasons = ['the answer is longer than a name can be', 'bad answer of the name server'];
    expect(reasons).toContain(found.type === 'failed' && found.why);
  });

  test('sends rubbish', async () => {
    const { found } = await lookedUp(
      (it) => [Buffer.concat([it.subarray(0, 2), Buffer.alloc(300, 0xff)]), Buffer.alloc(2000, 0xc0)],
      300,
    );
    expect(found.type).toBe('failed');
  });
});

describe('the hosts file', () => {
  test('comes first, and the name server is not asked', async () => {
    const { servers, asked } = await startServer((it) => [answerTo(it, [domain('other')])]);
    const hostsFile = join(newFolder(), 'hosts');
    writeFileSync(hostsFile, `# comment\n${ADDRESS}\tWeb.example web # the web\n2001:DB8::1 six\n`);
    const lookUp = nameLookup({ hostsFile, servers });
    expect(await lookUp(ADDRESS)).toEqual({ type: 'name', name: 'web.example', others: 0, from: 'hosts' });
    expect(await lookUp('2001:db8::1')).toEqual({ type: 'name', name: 'six', others: 0, from: 'hosts' });
    expect(asked).toEqual([]);
    expect(await lookUp('192.0.2.8')).toMatchObject({ name: 'other', from: 'reverse-dns' });
  });

  test.each([
    ['10.0.0.1 a b\n10.0.0.1 c', 'a'],
    ['# 10.0.0.1 a', undefined],
    ['110.0.0.1 a\n10.0.0.11 b\nx 10.0.0.1 c', undefined],
    ['\t 10.0.0.1\t\tb#c', 'b'],
    ['10.0.0.1 # a', undefined],
    ['10.0.0.1\n a', undefined],
    ['10.0.0.1', undefined],
    [`10.0.0.1 ${'x'.repeat(300)}\n10.0.0.1 y`, 'y'],
  ])('has the name of an address at the start of a line: %j', (text, name) => {
    expect(nameInHosts(text, '10.0.0.1')).toBe(name);
  });

  test('is searched in linear time, also in one long line', () => {
    const line = ' '.repeat(0x4_0000) + '10.0.0.1'.repeat(0x8000);
    expect(nameInHosts(line, '10.0.0.1')).toBeUndefined();
    expect(nameInHosts(`${line}\n10.0.0.1 a`, '10.0.0.1')).toBe('a');
  });
});

test('name servers are not asked about loopback and link-local addresses', async () => {
  const { servers, asked } = await startServer((it) => [answerTo(it, [domain('other')])]);
  const lookUp = nameLookup({ hostsFile: NO_HOSTS, servers });
  for (const address of ['127.0.0.1', '::1', '169.254.1.1', 'fe80::1'])
    expect(await lookUp(address)).toMatchObject({ type: 'failed' });
  expect(await lookUp('web')).toEqual({ type: 'failed', why: 'not an IP address' });
  expect(asked).toEqual([]);
});

test('the domain of an IPv6 address has its digits in reverse order', () => {
  expect(pointerName(bitsOf('2001:db8::567:89ab') ?? 0)).toBe(
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
});
