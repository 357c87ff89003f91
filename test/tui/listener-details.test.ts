import { expect, test } from 'vitest';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, emptyState, listener, queryFrom, socket } from '../helpers/fakes.ts';
import { UNSAFE } from '../helpers/lines.ts';

const ENTER = '\r';

const SOCKETS = [
  listener({ id: 'web', process: 'web', pid: 1, local: '0.0.0.0:8080' }),
  ...[1, 2].map((i) =>
    socket({ id: `c${i}`, process: 'web', pid: 1, local: '10.0.0.1:8080', remote: `192.0.2.${i}:5000` }),
  ),
];

async function open(query: string, text = 'tcp dport 8080 accept'): Promise<FakeApp> {
  const app = new FakeApp(130, 40, { ...emptyState(), query: queryFrom(query) });
  app.processes.firewall = [{ label: 'firewall', text, from: 'nft: table inet filter, chain input' }];
  await app.take(baseline(SOCKETS));
  return app.press(ENTER);
}

test('the details of a listener count its connections, and have the rules about its port with their source', async () => {
  const app = await open('listen');
  expect(app.text).toMatch(/accepted +2 connections now/);
  expect(app.text).toMatch(/firewall tcp dport 8080 accept {2}\(nft: table inet filter, chain input\)/);
  expect(app.processes.askedFirewall).toEqual([{ protocol: 'tcp', port: 8080, address: '0.0.0.0' }]);
  // The rules are read once for the listener, not with each batch.
  await app.take(batch({ monotonicMs: 1000, closed: ['c1'] }));
  expect(app.text).toMatch(/accepted +1 connection now/);
  expect(app.processes.askedFirewall).toHaveLength(1);
});

test('the details of a connection have neither', async () => {
  const app = await open('established');
  expect(app.text).not.toMatch(/^(accepted|firewall)/m);
  expect(app.processes.askedFirewall).toEqual([]);
});

test('the rules about a listener of another network namespace are not read: that namespace has rules of its own', async () => {
  const app = new FakeApp(130, 40, emptyState());
  await app.take(
    baseline([
      { ...listener({ id: 'web', process: 'web', pid: 1, local: '0.0.0.0:8080' }), netns: { inode: 7 } },
    ]),
  );
  await app.press(ENTER);
  expect(app.text).toContain('DETAILS');
  expect(app.processes.askedFirewall).toEqual([]);
});

test('a hostile comment in a rule is printable', async () => {
  const app = await open('listen', 'tcp dport 8080 comment "\x1b[2J\u202eevil{bold}\n"');
  expect(app.text).toContain('evil{bold}');
  expect(app.text.replaceAll('\n', '')).not.toMatch(UNSAFE);
});

test('the rules about a listener that opens and closes all the time are read once', async () => {
  const app = await open('listen');
  const reopened = listener({ id: 'again', process: 'web', pid: 1, local: '0.0.0.0:8080' });
  await app.take(
    batch({ monotonicMs: 1000, closed: ['web'] }),
    batch({ monotonicMs: 2000, spawned: [reopened] }),
    batch({ monotonicMs: 9000 }),
  );
  expect(app.text).toMatch(/firewall tcp dport 8080 accept/);
  expect(app.processes.askedFirewall).toHaveLength(1);
});
