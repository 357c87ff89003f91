import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hiddenNotice } from '../../../../src/source/linux/owners/hidden-notice.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import {
  parseCapabilities,
  readPrivileges,
  whyUnseen,
} from '../../../../src/source/linux/proc/privileges.ts';
import { FakeProc } from '../../../helpers/proc.ts';

/** CapEff as the kernel writes it. */
const ALL = '000001ffffffffff';
const WITHOUT_PTRACE = (0x1ffffffffffn & ~(1n << 19n)).toString(16).padStart(16, '0');
const NONE = '0'.repeat(16);

let fake: FakeProc;
beforeEach(() => {
  fake = new FakeProc();
});
afterEach(() => fake.end());

interface Environment {
  readonly isRoot?: boolean;
  readonly capabilities?: string;
  readonly user?: string;
  readonly pid?: string;
}

function readWith({ isRoot = true, capabilities = ALL, user, pid }: Environment = {}) {
  fake.write('self/status', `Name:\tnode\nCapPrm:\t${ALL}\nCapEff:\t${capabilities}\nSeccomp:\t0\n`);
  if (user !== undefined) fake.link('self/ns/user', user);
  if (pid !== undefined) fake.link('self/ns/pid', pid);
  return readPrivileges(new Proc(fake.root), isRoot);
}

const why = (place: Environment = {}) => whyUnseen(readWith(place), ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN']);

describe('the reason why something is not visible', () => {
  test('is undefined for root with all capabilities in the initial namespaces', () => {
    expect(why()).toBeUndefined();
  });

  test('is missing sudo for an ordinary user', () => {
    expect(why({ isRoot: false, capabilities: NONE })).toBe('run with sudo');
  });

  test('is undefined for an ordinary user with the capabilities', () => {
    expect(why({ isRoot: false })).toBeUndefined();
  });

  test('names a capability that root lacks', () => {
    expect(why({ capabilities: WITHOUT_PTRACE })).toBe('netpane runs as root without CAP_SYS_PTRACE');
  });

  test('prefers a missing capability to a pid namespace', () => {
    expect(why({ capabilities: WITHOUT_PTRACE, pid: 'pid:[4026532178]' })).toBe(
      'netpane runs as root without CAP_SYS_PTRACE',
    );
  });

  test('is the user namespace of root with all capabilities inside', () => {
    expect(why({ user: 'user:[4026532200]' })).toBe(
      'netpane runs in a user namespace: run it as root outside of it',
    );
  });

  test('is the pid namespace of root', () => {
    expect(why({ pid: 'pid:[4026532178]' })).toBe(
      'netpane runs in a pid namespace: run it outside of this container',
    );
  });

  test('is an unreadable /proc', () => {
    expect(whyUnseen(readPrivileges(new Proc(`${fake.root}/nowhere`), true), [])).toBe(
      '/proc cannot be read',
    );
  });

  test('is part of the notice about hidden owners', () => {
    const text = (place: Environment) => hiddenNotice(new Map([['root', 2]]), readWith(place))?.text;
    const head = 'owners of 2 sockets are hidden (2 of root): ';
    expect(text({ isRoot: false, capabilities: NONE })).toBe(`${head}run with sudo to see them`);
    expect(text({ capabilities: WITHOUT_PTRACE })).toBe(`${head}netpane runs as root without CAP_SYS_PTRACE`);
    expect(text({})).toBe(`${head}even root may not inspect the processes here`);
    expect(text({ isRoot: false })).toBe(`${head}even CAP_SYS_PTRACE may not inspect the processes here`);
  });
});

test.each(['', 'CapEff:\n', 'CapEff:\tzz\n', `CapEff:\t1${ALL}0000\n`, `XCapEff:\t${ALL}\n`])(
  'returns no capabilities for the malformed status %j',
  (text) => expect(parseCapabilities(text)).toBeUndefined(),
);
