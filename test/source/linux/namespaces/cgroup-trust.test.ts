import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CgroupTrust } from '../../../../src/source/linux/namespaces/cgroup-trust.ts';
import { Namespaces } from '../../../../src/source/linux/namespaces/namespaces.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { FakeProc } from '../../../helpers/proc.ts';

const ID = '3f9a0c6be1d2'.padEnd(64, 'a');
const MANAGER = '/user.slice/user-1000.slice/user@1000.service';

let fake: FakeProc;
/** Uids of the owners of folders that root does not own. */
let owners: Map<string, number>;
let trust: CgroupTrust;
let isMounted: boolean;
beforeEach(() => {
  fake = new FakeProc();
  owners = new Map();
  isMounted = true;
  fake.write(
    'self/mountinfo',
    '30 20 0:5 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
      '31 20 0:6 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n' +
      '32 20 0:7 / /cg2 rw shared:3 - cgroup2 cgroup2 rw,nsdelegate\n' +
      '33 20 0:8 /part /elsewhere rw - cgroup2 cgroup2 rw\n',
  );
  trust = new CgroupTrust(new Proc(fake.root), (path) => (isMounted ? (owners.get(path) ?? 0) : undefined));
});
afterEach(() => fake.end());

describe('a cgroup path', () => {
  test('is trusted as a whole if root made it', () => {
    const text = `0::/system.slice/docker-${ID}.scope\n`;
    expect(trust.trustedPathsOf(text)).toEqual({ text, claimant: undefined });
  });

  test('is truncated after the first folder of an ordinary user', () => {
    owners.set('/cg2/a/b', 1000).set('/cg2/a/b/c', 1001);
    expect(trust.trustedPathsOf('0::/a/b/c/d')).toEqual({ text: '0::/a/b', claimant: 1000 });
  });

  test('is truncated in each hierarchy of version 1, found by its controllers', () => {
    owners.set('/sys/fs/cgroup/cpu,cpuacct/a', 7).set('/sys/fs/cgroup/systemd/a/b', 8);
    expect(trust.trustedPathsOf('4:cpu,cpuacct:/a/b\n1:name=systemd:/a/b/c\n').text).toBe(
      '4:cpu,cpuacct:/a\n1:name=systemd:/a/b\n',
    );
  });

  test('is truncated where systemd delegates to a user, if the folders cannot be read', () => {
    isMounted = false;
    expect(trust.trustedPathsOf(`0::${MANAGER}/docker-${ID}.scope`)).toEqual({
      text: `0::${MANAGER}`,
      claimant: 1000,
    });
    expect(trust.trustedPathsOf('0::/user.slice/user-1000.slice/session-1.scope').claimant).toBeUndefined();
  });

  test.each(['', 'nonsense', '0::', ':::\n', '0::/../..'])('%j', (text) => {
    expect(trust.trustedPathsOf(text)).toEqual({ text, claimant: undefined });
  });
});

describe('the name of a namespace', () => {
  const UNKNOWN_USER_MANAGER = '/user.slice/user-4711.slice/user@4711.service';

  /** Returns the name of a namespace with one process in this cgroup. */
  function nameOf(cgroup: string) {
    fake.link('self/ns/net', 'net:[1]');
    fake.link('1/ns/net', 'net:[1]');
    fake.start(20);
    fake.link('20/ns/net', 'net:[500]');
    fake.write('20/cgroup', `0::${cgroup}\n`);
    const found = new Namespaces({ proc: new Proc(fake.root), root: `${fake.root}/..`, trust }).refresh();
    const { name, claimedBy } = found.find(({ inode }) => inode === 500) ?? {};
    return { name, claimedBy };
  }

  test('of a user cgroup named like a container of root is a label, claimed by the user', () => {
    fake.write(`../var/lib/docker/containers/${ID}/config.v2.json`, '{"Name":"/production-db"}');
    expect(nameOf(`/system.slice/docker-${ID}.scope`)).toEqual({
      name: 'production-db',
      claimedBy: undefined,
    });
    owners.set(`/cg2${MANAGER}`, 1000);
    expect(nameOf(`${MANAGER}/docker-${ID}.scope`)).toEqual({
      name: '~ana/docker:3f9a0c6be1d2',
      claimedBy: 1000,
    });
  });

  test.each([
    ['lxc', 'lxc.payload.production-db', 'production-db'],
    ['nspawn', 'machine-production\\x2ddb.scope', 'production-db'],
    ['kubernetes', `cri-containerd-${ID}.scope`, 'kubernetes:3f9a0c6be1d2'],
    ['CRI-O', `crio-${ID}.scope`, 'kubernetes:3f9a0c6be1d2'],
    ['a pod', 'kubepods-pod2c4b2241_5c01_11e9_8e4e_42010a800002.slice', 'kubernetes:2c4b2241-5c0'],
    ['a service', 'sshd.service', 'sshd.service'],
  ])('%s below the folder of a user is claimed by the user', (_, folder, name) => {
    owners.set(`/cg2${UNKNOWN_USER_MANAGER}`, 4711);
    expect(nameOf(`${UNKNOWN_USER_MANAGER}/${folder}`)).toEqual({ name: `~4711/${name}`, claimedBy: 4711 });
  });

  test('below a folder delegated outside of the user slice is claimed by the user', () => {
    owners.set('/cg2/system.slice/build.service', 1000);
    expect(nameOf('/system.slice/build.service/lxc.payload.web')).toEqual({
      name: '~ana/web',
      claimedBy: 1000,
    });
  });

  test('is that of a root cgroup rather than of a user cgroup in another hierarchy', () => {
    owners.set(`/cg2${MANAGER}`, 1000);
    const both = `${MANAGER}/lxc.payload.forged\n4:cpu,cpuacct:/lxc.payload.web`;
    expect(nameOf(both)).toEqual({ name: 'web', claimedBy: undefined });
    expect(nameOf(`${MANAGER}/sshd.service\n4:cpu,cpuacct:/system.slice/web.service`).name).toBe(
      'web.service',
    );
  });

  test('of a container that owns its folder is not a claim', () => {
    owners.set('/cg2/lxc.payload.web', 100_000);
    expect(nameOf('/lxc.payload.web')).toEqual({ name: 'web', claimedBy: undefined });
    expect(nameOf('/lxc.payload.web/system.slice/sshd.service')).toEqual({
      name: 'web',
      claimedBy: undefined,
    });
  });
});
