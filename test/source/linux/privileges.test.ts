import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hiddenNotice } from '../../../src/source/linux/hidden-notice.ts';
import { Proc } from '../../../src/source/linux/proc.ts';
import { parseCapabilities, readPrivileges, whyUnseen } from '../../../src/source/linux/privileges.ts';
import { FakeProc } from '../../helpers/proc.ts';

/** CapEff as the kernel writes it. */
const ALL = '000001ffffffffff';
const WITHOUT_PTRACE = (0x1ffffffffffn & ~(1n << 19n)).toString(16).padStart(16, '0');
const NONE = '0'.repeat(16);

let fake: FakeProc;
beforeEach(() => {
  fake = new FakeProc();
});
afterEach(() => fake.end());

interface Place {
  readonly isRoot?: boolean;
  readonly capabilities?: string;
  readonly user?: string;
  readonly pid?: string;
}

function privileges({ isRoot = true, capabilities = ALL, user, pid }: Place = {}) {
  fake.write('self/status', `Name:\tnode\nCapPrm:\t${ALL}\nCapEff:\t${capabilities}\nSeccomp:\t0\n`);
  if (user !== undefined) fake.link('self/ns/user', user);
  if (pid !== undefined) fake.link('self/ns/pid', pid);
  return readPrivileges(new Proc(fake.root), isRoot);
}

const why = (place: Place = {}) => whyUnseen(privileges(place), ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN']);

describe('why something is not seen', () => {
  test('root with every capability, in the first namespaces: nothing explains it', () => {
    expect(why()).toBeUndefined();
  });

  test('an ordinary user: sudo', () => {
    expect(why({ isRoot: false, capabilities: NONE })).toBe('run with sudo');
  });

  test('an ordinary user with the capabilities: nothing explains it', () => {
    expect(why({ isRoot: false })).toBeUndefined();
  });

  test('root without CAP_SYS_PTRACE: that one is named', () => {
    expect(why({ capabilities: WITHOUT_PTRACE })).toBe('netpane runs as root without CAP_SYS_PTRACE');
  });

  test('root without CAP_SYS_PTRACE in a pid namespace: the capability comes first', () => {
    expect(why({ capabilities: WITHOUT_PTRACE, pid: 'pid:[4026532178]' })).toBe(
      'netpane runs as root without CAP_SYS_PTRACE',
    );
  });

  test('root of a user namespace, whatever it may do inside', () => {
    expect(why({ user: 'user:[4026532200]' })).toBe(
      'netpane runs in a user namespace: run it as root outside of it',
    );
  });

  test('root in a pid namespace', () => {
    expect(why({ pid: 'pid:[4026532178]' })).toBe(
      'netpane runs in a pid namespace: run it outside of this container',
    );
  });

  test('no /proc', () => {
    expect(whyUnseen(readPrivileges(new Proc(`${fake.root}/nowhere`), true), [])).toBe(
      '/proc cannot be read',
    );
  });

  test('hidden owners: the same reasons', () => {
    const text = (place: Place) => hiddenNotice(new Map([['root', 2]]), privileges(place))?.text;
    const head = 'owners of 2 sockets are hidden (2 of root): ';
    expect(text({ isRoot: false, capabilities: NONE })).toBe(`${head}run with sudo to see them`);
    expect(text({ capabilities: WITHOUT_PTRACE })).toBe(`${head}netpane runs as root without CAP_SYS_PTRACE`);
    expect(text({})).toBe(`${head}even root may not inspect the processes here`);
    expect(text({ isRoot: false })).toBe(`${head}even CAP_SYS_PTRACE may not inspect the processes here`);
  });
});

test.each(['', 'CapEff:\n', 'CapEff:\tzz\n', `CapEff:\t1${ALL}0000\n`, `XCapEff:\t${ALL}\n`])(
  'capabilities that are not told: %j',
  (text) => expect(parseCapabilities(text)).toBeUndefined(),
);
