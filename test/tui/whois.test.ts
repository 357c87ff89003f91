import { expect, test } from 'vitest';
import { baseline, emptyState, socket } from '../helpers/fakes.ts';
import { FakeApp } from '../helpers/app.ts';

const PUBLIC = socket({ id: 'a', local: '192.168.1.2:40000', remote: '203.0.113.5:443', process: 'curl' });

const openApp = async (remote = PUBLIC): Promise<FakeApp> =>
  new FakeApp(120, 20, emptyState()).take(baseline([remote]));

test('W shows what whois says about the remote address, and where it was asked; esc closes it', async () => {
  const app = await openApp();
  await app.press('j', 'W');
  expect(app.askedWhois).toEqual(['203.0.113.5']);
  const whois = { address: '203.0.113.5', asked: ['whois.iana.org'], text: '', isComplete: false };
  app.app.dispatch({ type: 'whois-answer', whois });
  await app.shown();
  expect(app.text).toContain('203.0.113.5  asking whois.iana.org …');
  const text = `% RIPE\nnetname: \x1b[31mEVIL\x07\u202e\n${'line\n'.repeat(50)}`;
  const asked = ['whois.iana.org', 'whois.ripe.net'];
  app.app.dispatch({
    type: 'whois-answer',
    whois: { ...whois, asked, answeredBy: 'whois.ripe.net', text, isComplete: true },
  });
  await app.shown();
  expect(app.text).toContain('answer of whois.ripe.net  asked: whois.iana.org → whois.ripe.net');
  expect(app.text).toContain('netname: ?[31mEVIL??');
  await app.press('G');
  expect(app.text).not.toContain('netname');
  await app.press('\x1b');
  expect(app.text).toContain('curl');
  // The answer is kept: the server is not asked again.
  await app.press('W');
  expect(app.text).toContain('netname');
  expect(app.askedWhois).toHaveLength(1);
  await app.press('W');
  expect(app.text).not.toContain('netname');
  app.close();
});

test('a problem is shown, and W asks again', async () => {
  const app = await openApp();
  await app.press('j', 'W');
  app.app.dispatch({
    type: 'whois-answer',
    whois: {
      address: '203.0.113.5',
      asked: ['a'],
      text: '',
      problem: 'a: connect ECONNREFUSED',
      isComplete: true,
    },
  });
  await app.shown();
  expect(app.text).toContain('no answer  asked: a');
  expect(app.text).toContain('! a: connect ECONNREFUSED');
  await app.press('W', 'W');
  expect(app.askedWhois).toHaveLength(2);
  app.close();
});

test('a change of the table closes whois, as it closes the help', async () => {
  const app = await openApp();
  await app.press('j', 'W', 'o');
  expect(app.text).not.toContain('WHOIS');
  app.close();
});

test('nothing is asked about a listener', async () => {
  const app = await openApp(socket({ remote: null, state: 'LISTEN' }));
  await app.press('j', 'W');
  expect(app.askedWhois).toEqual([]);
  expect(app.text).toContain('no remote address selected: select a connection');
  app.close();
});

test.each([
  ['10.0.0.1:22', 'whois knows only public addresses, and 10.0.0.1 is none'],
  ['127.0.0.1:22', 'whois knows only public addresses, and 127.0.0.1 is none'],
  ['[fe80::1%eth0]:22', 'and fe80::1%eth0 is none'],
])('nothing is asked about %s', async (remote, message) => {
  const app = await openApp(socket({ remote }));
  await app.press('j', 'W');
  expect(app.askedWhois).toEqual([]);
  expect(app.text).toContain(message);
  app.close();
});
