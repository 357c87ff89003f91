import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommandRuns } from '../../../src/cli/on/command-runs.ts';
import { notificationCommand, sessionEnvironment } from '../../../src/cli/on/notification.ts';
import type { OnRule } from '../../../src/cli/on/rule.ts';
import { type OnReport, OnRules, readRules } from '../../../src/cli/on/rules.ts';
import type { SocketEvent } from '../../../src/model/event.ts';
import { invocationOf, parseCommandLine } from '../../../src/cli/command-line.ts';
import { baseline, batch, listener, type SocketFields } from '../../helpers/fakes.ts';
import { FakePrograms } from './programs.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const spawn = (fields: SocketFields): SocketEvent => ({
  type: 'spawn',
  atMs: 1_767_355_200_000,
  socket: listener(fields),
  learntBy: 'poll',
});

const RULE: OnRule = { query: 'listen', command: ['/opt/alert', 'web'], bell: false, notify: false };
const ACCOUNT = { environment: { HOME: '/home/ana' }, ids: { uid: 1000, gid: 1000 } };

/** Returns running rules with fake programs, and what they report. @param fields those of one rule each */
async function setUp(rules: readonly Partial<OnRule>[], isGiven = false) {
  const programs = new FakePrograms();
  const reports: OnReport[] = [];
  const on = rules.map((fields) => ({ ...RULE, ...fields }));
  const { origins, geoFiles } = invocationOf(parseCommandLine([]), {});
  const origin = isGiven ? ({ from: 'command line' } as const) : origins.on;
  const read = await readRules({ on, geoFiles, origins: { ...origins, on: origin } }, {}, (text) => {
    throw new Error(text);
  });
  const running = new OnRules(read, {
    account: ACCOUNT,
    report: (report) => reports.push(report),
    runs: new CommandRuns(programs),
  });
  let count = 0;
  /** Opens listeners of a program. */
  const open = (times = 1, process = 'node'): void => {
    for (let i = 0; i < times; i++) {
      const event = spawn({ id: `s${count++}`, local: '0.0.0.0:3000', process, pid: 4711 });
      running.take(batch({ events: [event], spawned: [event.socket] }));
    }
  };
  return { programs, reports, texts: () => reports.map(({ text }) => text), running, open };
}

test('runs the command for a socket that comes to match, with its event as JSON on stdin', async () => {
  const { programs, reports, open } = await setUp([{}]);
  open();
  expect(programs.at(0).words).toEqual(['/opt/alert', 'web']);
  expect(JSON.parse(programs.at(0).input())).toMatchObject({
    type: 'spawn',
    socket: { local: { address: '0.0.0.0', port: 3000 }, owners: [{ process: 'node', pid: 4711 }] },
  });
  expect(reports).toEqual([
    { text: 'on: listen matched node tcp *:3000 → alert', isError: false, bell: false },
  ]);
});

test('a name of a program is only in the JSON, whatever it contains', async () => {
  const hostile = '"; touch /tmp/x; $(id) \x1b]0;x\x07';
  const { programs, texts, open } = await setUp([{}]);
  open(1, hostile);
  expect(programs.at(0).words).toEqual(['/opt/alert', 'web']);
  expect(JSON.stringify(programs.at(0).options)).not.toContain('touch');
  expect(JSON.parse(programs.at(0).input())).toMatchObject({ socket: { owners: [{ process: hostile }] } });
  expect(texts()[0]).not.toMatch(/\p{Cc}/u);
});

test('sockets of the baseline run nothing', async () => {
  const { programs, running } = await setUp([{}]);
  running.take(baseline([listener()]));
  expect(programs.started).toEqual([]);
});

test('a rule acts 10 times at once, then 10 times a minute; the others are counted, and the count is reported', async () => {
  const { programs, texts, open } = await setUp([{}]);
  const started = () => {
    for (const program of programs.started) program.exit(0);
    return programs.started.length;
  };
  open(4);
  started();
  open(6);
  started();
  open(5);
  expect(started()).toBe(10);
  expect(texts().slice(10)).toEqual([
    'on: listen: more than 10 matches a minute: further ones are only counted',
  ]);
  vi.advanceTimersByTime(6000);
  open(2);
  expect(started()).toBe(11);
  vi.advanceTimersByTime(54_000);
  expect(texts().at(-1)).toBe('on: listen: 6 matches not acted on');
  open();
  expect(started()).toBe(12);
});

test('each rule has a rate of its own', async () => {
  const { programs, open } = await setUp([{}, { query: ':3000', command: ['other'] }]);
  open(20);
  for (let i = 0; i < 20; i++) programs.at(i).exit(0);
  const files = programs.started.map(({ words }) => words[0]);
  expect(files.filter((it) => it === 'other')).toHaveLength(10);
  expect(files).toHaveLength(20);
});

test('what is still counted at the end is reported', async () => {
  const { texts, open, running } = await setUp([{ command: [], bell: true }]);
  open(13);
  running.stop();
  expect(texts().at(-1)).toBe('on: listen: 3 matches not acted on');
});

test('a failure is reported once, with the first line of stderr', async () => {
  const { programs, reports, open } = await setUp([{}]);
  open(2);
  for (const program of programs.started) {
    program.complain('no route to \x1b[31mhost\nmore');
    program.exit(1);
  }
  expect(reports.filter(({ isError }) => isError)).toEqual([
    { text: 'on: listen: alert failed: exit code 1: no route to ?[31mhost', isError: true, bell: false },
  ]);
});

test('a rule may only ring the bell', async () => {
  const { programs, reports, open } = await setUp([{ command: [], bell: true }]);
  open();
  expect(programs.started).toEqual([]);
  expect(reports).toEqual([{ text: 'on: listen matched node tcp *:3000', isError: false, bell: true }]);
});

test('a command of the configuration runs as the user of that file, one of the command line as netpane', async () => {
  const ofFile = await setUp([{}]);
  ofFile.open();
  expect(ofFile.programs.at(0).options).toMatchObject({ uid: 1000, gid: 1000, env: { HOME: '/home/ana' } });
  const given = await setUp([{}], true);
  given.open();
  expect(given.programs.at(0).options).not.toHaveProperty('uid');
});

test('a notification is shown as the user of the session, in whose bus it is', async () => {
  const { programs, open } = await setUp([{ command: [], notify: true }]);
  open();
  expect(programs.at(0).words.at(-1)).toBe('on: listen matched node tcp *:3000');
  expect(programs.at(0).options).toMatchObject({
    uid: 1000,
    env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus' },
  });
  expect(sessionEnvironment({ HOME: '/root' }, 0)).toMatchObject({
    HOME: '/root',
    XDG_RUNTIME_DIR: '/run/user/0',
  });
});

test('the text of a notification is neither an option, nor markup, nor a script', () => {
  const text = '--icon=/x <b>& "do shell script"';
  expect(notificationCommand(text, 'linux')).toEqual([
    'notify-send',
    '--app-name=netpane',
    '--',
    'netpane',
    '--icon=/x &lt;b&gt;&amp; "do shell script"',
  ]);
  const words = notificationCommand(text, 'darwin');
  expect(words.slice(-2)).toEqual(['netpane', text]);
  expect(words.slice(0, -2).join(' ')).not.toContain('shell');
});
