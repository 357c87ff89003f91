import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CgroupTrust } from '../../../src/source/linux/cgroup-trust.ts';
import { Namespaces } from '../../../src/source/linux/namespaces.ts';
import { Proc } from '../../../src/source/linux/proc.ts';
import { FakeProc } from '../../helpers/proc.ts';

const ID = '3f9a0c6be1d2'.padEnd(64, 'a');
const MANAGER = '/user.slice/user-1000.slice/user@1000.service';

let fake: FakeProc;
/** Owners of folders that are not root's. */
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

describe('a path of cgroups', () => {
  test('a path that root made is trusted whole', () => {
    const text = `0::/system.slice/docker-${ID}.scope\n`;
    expect(trust.of(text)).toEqual({ text, claimant: undefined });
  });

  test('is cut behind the first folder of another user', () => {
    owners.set('/cg2/a/b', 1000).set('/cg2/a/b/c', 1001);
    expect(trust.of('0::/a/b/c/d')).toEqual({ text: '0::/a/b', claimant: 1000 });
  });

  test('of each hierarchy of version 1, by its controllers', () => {
    owners.set('/sys/fs/cgroup/cpu,cpuacct/a', 7).set('/sys/fs/cgroup/systemd/a/b', 8);
    expect(trust.of('4:cpu,cpuacct:/a/b\n1:name=systemd:/a/b/c\n').text).toBe(
      '4:cpu,cpuacct:/a\n1:name=systemd:/a/b\n',
    );
  });

  test('whose folders cannot be seen is cut where systemd hands it to a user', () => {
    isMounted = false;
    expect(trust.of(`0::${MANAGER}/docker-${ID}.scope`)).toEqual({ text: `0::${MANAGER}`, claimant: 1000 });
    expect(trust.of('0::/user.slice/user-1000.slice/session-1.scope').claimant).toBeUndefined();
  });

  test.each(['', 'nonsense', '0::', ':::\n', '0::/../..'])('%j', (text) => {
    expect(trust.of(text)).toEqual({ text, claimant: undefined });
  });
});

describe('the name of a namespace', () => {
  const NOBODYS = '/user.slice/user-4711.slice/user@4711.service';

  /** The name of a namespace with one process, in this cgroup. */
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

  test("a user's cgroup called like a container of the machine has no name of it, and is a claim", () => {
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
  ])('%s below the folder of a user: a claim', (_, folder, name) => {
    owners.set(`/cg2${NOBODYS}`, 4711);
    expect(nameOf(`${NOBODYS}/${folder}`)).toEqual({ name: `~4711/${name}`, claimedBy: 4711 });
  });

  test('a folder that was handed to a user outside of its slice: a claim', () => {
    owners.set('/cg2/system.slice/build.service', 1000);
    expect(nameOf('/system.slice/build.service/lxc.payload.web')).toEqual({
      name: '~ana/web',
      claimedBy: 1000,
    });
  });

  test('a cgroup of root in one hierarchy counts before one of a user in another', () => {
    owners.set(`/cg2${MANAGER}`, 1000);
    const both = `${MANAGER}/lxc.payload.forged\n4:cpu,cpuacct:/lxc.payload.web`;
    expect(nameOf(both)).toEqual({ name: 'web', claimedBy: undefined });
    expect(nameOf(`${MANAGER}/sshd.service\n4:cpu,cpuacct:/system.slice/web.service`).name).toBe(
      'web.service',
    );
  });

  test('a container whose own folder was handed to it keeps its name', () => {
    owners.set('/cg2/lxc.payload.web', 100_000);
    expect(nameOf('/lxc.payload.web')).toEqual({ name: 'web', claimedBy: undefined });
    expect(nameOf('/lxc.payload.web/system.slice/sshd.service')).toEqual({
      name: 'web',
      claimedBy: undefined,
    });
  });
});
