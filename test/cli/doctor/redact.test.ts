import { expect, test } from 'vitest';
import { type PrivateNames, Redactor } from '../../../src/cli/doctor/redact.ts';

const NONE: PrivateNames = { USER: [], HOST: [], PROGRAM: [], NAMESPACE: [], CONTAINER: [] };
const redactor = (names: Partial<PrivateNames>, homes: readonly string[] = []) =>
  new Redactor({ ...NONE, ...names }, homes);

test('equal names have the same placeholder, and different ones have different ones', () => {
  const it = redactor({ USER: ['ana', 'postgres'], HOST: ['box.example', 'box'] });
  expect(it.redacted('owners of 5 sockets are hidden (3 of postgres, 2 of ana)')).toBe(
    'owners of 5 sockets are hidden (3 of USER1, 2 of USER2)',
  );
  expect(it.redacted('ana, box.example. box: ana@box')).toBe('USER2, HOST1. HOST2: ana@box');
  expect(it.redacted('postgres')).toBe('USER1');
});

test('names inside of other words stay, names of several words are found', () => {
  const it = redactor({ PROGRAM: ['ss', 'tmux: server', 'np-a'], CONTAINER: ['docker:3f9a0c6be1d2'] });
  expect(it.redacted('messages of ss, tmux: server and np-a in docker:3f9a0c6be1d2')).toBe(
    'messages of PROGRAM2, PROGRAM1 and PROGRAM3 in CONTAINER1',
  );
});

test('root, words of the output and bare numbers stay', () => {
  expect(
    redactor({ USER: ['root', '1000', ''], PROGRAM: ['sudo', 'tmux'] }).redacted('root 1000 sudo tmux'),
  ).toBe('root 1000 sudo tmux');
});

test.each([
  ['the address 192.0.2.1', 'the address ADDRESS1'],
  ['[2001:db8::1] and fe80::1%eth0, 2001:db8::1', '[ADDRESS1] and ADDRESS2, ADDRESS1'],
  ['192.0.2.1:443 00:1A:2b:3c:4d:5e', 'ADDRESS1 ADDRESS2'],
  [
    'closes missed at 11:02:33, Node v20.20.2, kernel 6.18.44-x',
    'closes missed at 11:02:33, Node v20.20.2, kernel 6.18.44-x',
  ],
])('addresses in %j', (text, expected) => {
  expect(redactor({}).redacted(text)).toBe(expected);
});

test('home folders become ~, also those of others', () => {
  const it = redactor({}, ['/srv/people/ana', '/']);
  expect(it.redacted('/srv/people/ana/.config /home/bob/x /Users/eve /root/.local /rooted /')).toBe(
    '~/.config ~/x ~ ~/.local /rooted /',
  );
});

test('the home folder of a user is no part of the one of another user whose name is longer', () => {
  const it = redactor({}, ['/home/ana/']);
  expect(it.redacted('/home/anabel/x /home/ana/x, /home/ana: /home/ana.')).toBe('~/x ~/x, ~: ~.');
});

test('text and remedy of a check are replaced, its topic is not', () => {
  const check = { topic: 'user', state: 'missing', text: 'user ana', remedy: 'ask ana' } as const;
  expect(redactor({ USER: ['user', 'ana'] }).check(check)).toEqual({
    topic: 'user',
    state: 'missing',
    text: 'USER1 USER2',
    remedy: 'ask USER2',
  });
});
