// `netpane doctor` on this machine, as root and as an ordinary user.
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type Check, TOPICS } from '../../src/cli/doctor/check.ts';
import {
  hasNetlink,
  isLinux,
  isRoot,
  newHome,
  programForAll,
  runNetpane,
  startNetpane,
  withoutKoffi,
} from './netpane.ts';

interface DoctorReport {
  readonly schema: number;
  readonly checks: readonly Check[];
}

type Options = NonNullable<Parameters<typeof runNetpane>[1]>;

/** Runs `netpane doctor --json`; returns its checks by topic. */
async function doctor(args: readonly string[] = [], options: Options = {}) {
  const { stdout, stderr, code } = await runNetpane(['doctor', '--json', ...args], {
    env: { ...process.env, HOME: newHome(), TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    ...options,
  });
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  const { schema, checks } = JSON.parse(stdout) as DoctorReport;
  expect(schema).toBe(1);
  const topics: readonly string[] = TOPICS;
  for (const check of checks) {
    expect(topics).toContain(check.topic);
    expect(['ok', 'missing', 'info']).toContain(check.state);
    expect(check.text).not.toBe('');
    expect(['topic', 'state', 'text', 'remedy']).toEqual(expect.arrayContaining(Object.keys(check)));
  }
  return new Map(checks.map((check) => [check.topic, check]));
}

describe.skipIf(!isLinux || !hasNetlink)('netpane doctor (skipped elsewhere: it needs netlink)', () => {
  test.skipIf(!isRoot)(
    'as root: the source, the rights and the kernel are in order (skipped otherwise)',
    async () => {
      const checks = await doctor();
      for (const topic of [
        'user',
        'koffi',
        'source',
        'TCP and UDP',
        'close messages',
        'close sockets',
      ] as const)
        expect(checks.get(topic)).toMatchObject({ state: 'ok' });
      expect(checks.get('user')?.text).toBe('root');
      expect([checks.get('ledger')?.state, checks.get('trace')?.state]).toContain('ok');
      expect(checks.get('namespaces')?.text).toMatch(/^\d+ network namespaces? read$/);
      expect(checks.get('multiplexer')).toBeDefined();
    },
  );

  test.skipIf(!isRoot)(
    'as an ordinary user: what is missing has a reason, and nothing private is printed (skipped if not root)',
    async () => {
      const as = { uid: 65_534, gid: 65_534, file: programForAll, cwd: '/' };
      const checks = await doctor(['--redact'], as);
      expect(checks.get('source')).toMatchObject({ state: 'ok' });
      expect(checks.get('capabilities')).toMatchObject({
        state: 'missing',
        remedy: expect.stringContaining('sudo') as string,
      });
      for (const topic of ['close sockets', 'ledger', 'trace', 'coverage'] as const)
        expect(checks.get(topic)).toMatchObject({
          state: 'missing',
          text: expect.stringMatching(/sudo|root/) as string,
        });
      expect(checks.get('user')?.text).toMatch(/^USER1: /);
      const text = [...checks.values()].map((check) => check.text).join('\n');
      expect(text).toContain('HOST1');
      for (const name of [hostname(), 'nobody']) expect(text.split(/[^\w.-]+/)).not.toContain(name);
    },
  );

  test('on a terminal: lines in order, with the size of the terminal', async () => {
    const t = startNetpane({ args: ['doctor', '--redact'], cols: 100, rows: 60 });
    expect((await t.exited).exitCode).toBe(0);
    const text = t.received().toString();
    expect(text).toMatch(/ok +size +100×60/);
    expect(text).toMatch(/- +netpane +netpane \d[^]*configuration[^]*saved state/);
  });

  test('a lesser source is missing something and says why', async () => {
    const checks = await doctor(['--source', 'proc']);
    expect(checks.get('source')).toMatchObject({
      state: 'missing',
      text: expect.stringContaining('--source proc') as string,
    });
    expect(checks.get('coverage')).toMatchObject({ state: 'missing' });
  });

  test('exits with 1 if no source works', async () => {
    const { stdout, code } = await runNetpane(['doctor', '--source', 'sock_diag'], { file: withoutKoffi() });
    expect(code).toBe(1);
    expect(stdout).toMatch(/missing +koffi +the package koffi is not installed\n +→ reinstall/);
    expect(stdout).toMatch(/missing +source +source 'sock_diag' does not work on this machine/);
  });
});
