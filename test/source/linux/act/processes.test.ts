import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { openLinuxProcess, type ProcessAccess } from '../../../../src/source/linux/act/processes.ts';
import { NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import { Native } from '../../../../src/source/linux/netlink/native.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { parseBootTimeMs, parseStat, startedAtMs } from '../../../../src/source/linux/proc/process.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts a program of this test. Resolves to its pid when it runs. */
async function start(
  command: string,
  args: readonly string[],
  options = {},
): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  started.push(child);
  await once(child, 'spawn');
  return child as ChildProcess & { pid: number };
}

const ended = async (child: ChildProcess): Promise<string | null> => {
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
  return child.signalCode;
};

const native = process.platform === 'linux' ? await Native.load() : undefined;
const proc = new Proc('/proc');

const access = (changes: Partial<ProcessAccess> = {}): ProcessAccess => {
  if (native === undefined) throw new Error('only on Linux');
  return { native, proc, passwdPath: '../etc/passwd', ownPid: process.pid, ...changes };
};

/** Returns the system calls, some of them replaced. */
function nativeWith(changes: Partial<ProcessAccess['native']>): ProcessAccess['native'] {
  const { native: real } = access();
  return {
    openProcess: (pid) => real.openProcess(pid),
    signalProcess: (descriptor, signal) => real.signalProcess(descriptor, signal),
    close: (descriptor) => real.close(descriptor),
    poll: (set, count) => real.poll(set, count),
    ...changes,
  };
}

function textOf(path: string): string {
  const text = proc.text(path);
  if (!('value' in text)) throw new Error('/proc cannot be read');
  return text.value;
}
const ticksOf = (pid: number): number => parseStat(textOf(`${pid}/stat`))?.startTicks ?? 0;
const startOf = (pid: number): number => startedAtMs(parseBootTimeMs(textOf('stat')) ?? 0, ticksOf(pid));

describe.runIf(native)('an open process', () => {
  test('gets the signal, and then says that it has ended', async () => {
    const child = await start('sleep', ['60']);
    const handle = openLinuxProcess({ pid: child.pid, startedAtMs: startOf(child.pid) }, access());
    expect(handle.facts).toMatchObject({
      pid: child.pid,
      name: 'sleep',
      children: 0,
      directory: process.cwd(),
    });
    expect(handle.hasEnded).toBe(false);
    expect(handle.signal('TERM', 'process')).toEqual({ reached: 1 });
    expect(await ended(child)).toBe('SIGTERM');
    expect(handle.hasEnded).toBe(true);
    expect(handle.signal('TERM', 'process')).toEqual({ reached: 0, refused: 'it has ended' });
    handle.close();
    expect(handle.signal('KILL', 'process').reached).toBe(0);
  });

  test('is not opened if another process has its pid now', async () => {
    const child = await start('sleep', ['60']);
    const target = { pid: child.pid, startedAtMs: startOf(child.pid) - 60_000 };
    expect(() => openLinuxProcess(target, access())).toThrow(
      `process ${child.pid} has ended, and another one has its pid now: nothing was sent`,
    );
  });

  test('is identified by its start since the boot: it is opened after the wall clock was set, another one with its pid is not', async () => {
    const child = await start('sleep', ['60']);
    const target = { pid: child.pid, startedAtMs: startOf(child.pid) - 3_600_000 };
    const startTicks = ticksOf(child.pid);
    openLinuxProcess({ ...target, startTicks }, access()).close();
    const other = { pid: child.pid, startedAtMs: startOf(child.pid), startTicks: startTicks - 1 };
    expect(() => openLinuxProcess(other, access())).toThrow('another one has its pid now');
  });

  test('is not opened if it has ended', async () => {
    const child = await start('true', []);
    await ended(child);
    expect(() => openLinuxProcess({ pid: child.pid }, access())).toThrow(`process ${child.pid} has ended`);
  });

  test('is not opened if its pid is that of another process in the pid namespace of netpane', async () => {
    const child = await start('sleep', ['60']);
    const other = await start('sleep', ['60']);
    const closed: number[] = [];
    const mistaken = nativeWith({
      openProcess: () => access().native.openProcess(other.pid),
      close: (descriptor) => {
        closed.push(descriptor);
        access().native.close(descriptor);
      },
    });
    const target = { pid: child.pid, startedAtMs: startOf(child.pid) };
    expect(() => openLinuxProcess(target, access({ native: mistaken }))).toThrow(
      `process ${child.pid} cannot be opened: netpane runs in another pid namespace than /proc shows`,
    );
    expect(closed).toHaveLength(1);
  });

  test('does not signal a member of its group whose pid is that of another process there', async () => {
    const leader = await start('sh', ['-c', 'sleep 60 & sleep 60 & wait'], { detached: true });
    const bystander = await start('sleep', ['60']);
    await expect.poll(() => openLinuxProcess({ pid: leader.pid }, access()).facts.children).toBe(2);
    const openProcess = (pid: number): number =>
      access().native.openProcess(pid === leader.pid ? pid : bystander.pid);
    const handle = openLinuxProcess({ pid: leader.pid }, access({ native: nativeWith({ openProcess }) }));
    expect(handle.signal('KILL', 'group')).toMatchObject({
      reached: 1,
      refused: expect.stringContaining('another pid namespace') as string,
    });
    handle.close();
    process.kill(-leader.pid, 'SIGKILL');
    expect(await ended(leader)).toBe('SIGKILL');
    expect(bystander.signalCode).toBeNull();
  });

  test('reaches no other process after it has ended', async () => {
    const child = await start('sleep', ['60']);
    const bystander = await start('sleep', ['60']);
    const handle = openLinuxProcess({ pid: child.pid }, access());
    child.kill('SIGKILL');
    await ended(child);
    expect(handle.signal('TERM', 'process')).toEqual({ reached: 0, refused: 'it has ended' });
    expect(bystander.signalCode).toBeNull();
    handle.close();
  });

  test('reaches its whole process group, and only that', async () => {
    const leader = await start('sh', ['-c', 'sleep 60 & sleep 60 & wait'], { detached: true });
    const bystander = await start('sleep', ['60']);
    await expect
      .poll(() => openLinuxProcess({ pid: leader.pid }, access()).facts)
      .toMatchObject({
        children: 2,
        group: { id: leader.pid, members: 3 },
      });
    const handle = openLinuxProcess({ pid: leader.pid }, access());
    expect(handle.signal('KILL', 'group')).toEqual({ reached: 3 });
    expect(await ended(leader)).toBe('SIGKILL');
    expect(bystander.signalCode).toBeNull();
    handle.close();
  });

  test('does not count a member of its group that ends before the signal', async () => {
    const leader = await start('sh', ['-c', 'sleep 60 & sleep 60 & wait'], { detached: true });
    await expect.poll(() => openLinuxProcess({ pid: leader.pid }, access()).facts.children).toBe(2);
    let hasFailed = false;
    const openProcess = (pid: number): number => {
      if (pid === leader.pid || hasFailed) return access().native.openProcess(pid);
      hasFailed = true;
      throw new NativeError('pidfd_open', 3, 'ESRCH');
    };
    const handle = openLinuxProcess({ pid: leader.pid }, access({ native: nativeWith({ openProcess }) }));
    expect(handle.signal('STOP', 'group')).toEqual({ reached: 2 });
    process.kill(-leader.pid, 'SIGKILL');
    handle.close();
  });

  test('says why the kernel refuses a signal, in words', async () => {
    const child = await start('sleep', ['60']);
    const signalProcess = (): never => {
      throw new NativeError('pidfd_send_signal', 1, 'EPERM');
    };
    const handle = openLinuxProcess({ pid: child.pid }, access({ native: nativeWith({ signalProcess }) }));
    expect(handle.signal('TERM', 'process')).toEqual({
      reached: 0,
      refused: `not permitted: it belongs to ${handle.facts.user}; run netpane with sudo`,
    });
    handle.close();
  });

  test('is guarded if it is netpane itself or process 1', () => {
    expect(openLinuxProcess({ pid: process.pid }, access()).facts.guard).toBe('netpane');
    expect(openLinuxProcess({ pid: 1 }, access()).facts.guard).toBe('init');
  });
});
