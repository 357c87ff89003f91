import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Files } from '../../../src/source/linux/evidence/files.ts';
import { Proc } from '../../../src/source/linux/proc/proc.ts';
import { readLinuxSystem } from '../../../src/source/linux/read-system.ts';
import { FakeProc } from '../../helpers/proc.ts';

let fake: FakeProc;
beforeEach(() => {
  fake = new FakeProc();
});
afterEach(() => fake.end());

const read = async () => (await readLinuxSystem(new Proc(fake.root), new Files(`${fake.root}/..`))).linux;

describe.skipIf(process.platform !== 'linux')('what Linux allows (skipped elsewhere)', () => {
  test('capabilities, namespaces, container, limits and package databases are read', async () => {
    fake.write('self/status', 'Name:\tnode\nCapEff:\t0000000000081000\n');
    fake.write(
      'self/cgroup',
      '0::/docker/3f9a0c6be1d23f9a0c6be1d23f9a0c6be1d23f9a0c6be1d23f9a0c6be1d23f9a\n',
    );
    fake.write('self/limits', 'Max open files            1024                 4096                 files\n');
    fake.link('self/ns/user', 'user:[4026532178]');
    fake.write('sys/kernel/seccomp/actions_avail', 'kill_process errno allow\n');
    fake.write('../lib/apk/db/installed', '');
    fake.write('../var/lib/rpm/Packages.db', '');
    expect(await read()).toMatchObject({
      capabilities: 'net_admin sys_ptrace',
      lackedCapabilities: ['CAP_DAC_READ_SEARCH', 'CAP_KILL', 'CAP_SYS_ADMIN', 'CAP_PERFMON', 'CAP_BPF'],
      isInUserNamespace: true,
      isInPidNamespace: false,
      container: 'docker:3f9a0c6be1d2',
      openFiles: { soft: '1024', hard: '4096' },
      confinement: ['x64', 'arm64'].includes(process.arch) ? true : (expect.any(String) as string),
      packageDatabases: ['apk', 'rpm'],
    });
  });

  test('what cannot be read is unknown or absent', async () => {
    const facts = await read();
    expect(facts).toMatchObject({ capabilities: '?', lackedCapabilities: [], packageDatabases: [] });
    expect(facts?.openFiles).toBeUndefined();
    expect(facts).not.toHaveProperty('container');
  });

  test('sockets cannot be closed without CAP_NET_ADMIN', async () => {
    fake.write('self/status', 'CapEff:\t0000000000080000\n');
    expect((await read())?.closeSockets).toMatch(/run with sudo|without CAP_NET_ADMIN/);
  });
});
