import { expect, test } from 'vitest';
import { serverNameInHello, serverNameInRecord } from '../../src/names/tls.ts';
import { clientHello } from '../helpers/packets.ts';

test('a ClientHello of OpenSSL has the name of the server', async () => {
  const record = await clientHello('API.example.test');
  expect(serverNameInRecord(record)).toBe('api.example.test');
  expect(serverNameInHello(record.subarray(5))).toBe('api.example.test');
});

test('a hello without the name has none', async () => {
  const record = await clientHello('');
  expect(record[0]).toBe(0x16);
  expect(serverNameInRecord(record)).toBeUndefined();
});

test('a cut hello is read up to the cut', async () => {
  const record = await clientHello('api.example.test');
  const end = record.indexOf('api.example.test') + 'api.example.test'.length;
  expect(serverNameInRecord(record.subarray(0, end))).toBe('api.example.test');
  for (let length = 0; length < end; length++)
    expect(serverNameInRecord(record.subarray(0, length))).toBeUndefined();
});

test('no other record or message has a name', async () => {
  const record = await clientHello('api.example.test');
  const other = Buffer.from(record);
  other[0] = 0x17;
  expect(serverNameInRecord(other)).toBeUndefined();
  const serverHello = Buffer.from(record);
  serverHello[5] = 2;
  expect(serverNameInRecord(serverHello)).toBeUndefined();
});

test('bytes that no host name has are written as numbers', async () => {
  const record = await clientHello('api.example.test');
  const at = record.indexOf('api');
  record[at] = 0x1b;
  expect(serverNameInRecord(record)).toBe('\\027pi.example.test');
});
