import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { ContainerNames } from '../../../../src/source/linux/namespaces/container-names.ts';
import {
  type Container,
  containerOf,
  labelOf,
  serviceOf,
} from '../../../../src/source/linux/namespaces/containers.ts';
import { useFolders } from '../../../helpers/folder.ts';

const FIXTURE = fileURLToPath(new URL('../../../../fixtures/linux/containers/', import.meta.url));

const FORMS = JSON.parse(readFileSync(join(FIXTURE, 'cgroups.json'), 'utf8')) as readonly {
  form: string;
  cgroup: string;
  container: Container | null;
}[];

const ID = '3f9a0c6be1d2'.padEnd(64, 'a');
const POD = '2c4b2241-5c01-11e9-8e4e-42010a800002';

describe('the container of a cgroup', () => {
  test.each(FORMS)('$form', ({ cgroup, container }) => {
    expect(containerOf(cgroup) ?? null).toEqual(container);
  });

  test('decodes non-ASCII bytes in the name of a unit', () => {
    expect(containerOf('0::/machine.slice/machine-caf\\xc3\\xa9.scope')?.name).toBe('café');
  });

  test('truncates a name at the maximum length of a cgroup name', () => {
    expect(containerOf(`0::/lxc.payload.${'a'.repeat(5000)}`)?.name).toHaveLength(255);
  });

  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      ...[
        '/',
        ':',
        '0::/',
        'docker',
        'lxc',
        '..',
        'docker-',
        '.scope',
        '\n',
        'pod',
        POD,
        'kubepods-',
        '\\x',
        ID,
      ],
      ...[
        'machine-',
        'libpod-',
        'supervisor',
        'user-1.slice',
        'lxc.payload.',
        'cri-containerd-',
        ' (deleted)',
      ],
    ),
  );
  test('returns a container with a label, or undefined, for any text', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const container = containerOf(text);
        if (container) expect(labelOf(container)).not.toBe('');
        expect(serviceOf(text)).not.toBe('');
      }),
      { numRuns: 2000 },
    );
  });

  test('parses a long text in less than a second', () => {
    const text = `0::/${'machine-lxc\\x2d1'.repeat(20_000)}/${'kubepods-pod'.repeat(20_000)}/${'pod'.repeat(50_000)}`;
    const startMs = performance.now();
    containerOf(text);
    serviceOf(text);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});

describe('the service of a cgroup', () => {
  test.each([
    ['0::/system.slice/systemd-hostnamed.service\n', 'systemd-hostnamed.service'],
    ['12:pids:/system.slice/my\\x2dapp.service\n', 'my-app.service'],
    ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/sync.service\n', 'sync.service'],
    ['0::/user.slice/user-1000.slice/user@1000.service/init.scope\n', undefined],
    ['0::/user.slice/user-1000.slice/session-2.scope\n', undefined],
    ['', undefined],
  ])('%j', (text, service) => {
    expect(serviceOf(text)).toBe(service);
  });
});

describe('the name of a container', () => {
  // The fixture files belong to the user who checked them out.
  const names = new ContainerNames(join(FIXTURE, 'root'), () => true);
  const id = (digit: string) => digit.repeat(64);

  test.each<[what: string, container: Container, text: string]>([
    ['docker', { kind: 'docker', id: ID }, 'web'],
    ['docker, with only its id known', { kind: 'container', id: ID }, 'web'],
    ['docker under kubernetes', { kind: 'kubernetes', id: id('d') }, 'legacy/old-1'],
    ['docker, rootless', { kind: 'docker', id: id('8'), user: 1000 }, 'anas-docker'],
    ['podman', { kind: 'podman', id: '0b1c2d3e4f50'.padEnd(64, 'b') }, 'db'],
    ['podman --rm', { kind: 'podman', id: id('6') }, 'passing'],
    ['podman, rootless', { kind: 'podman', id: id('7'), user: 1000 }, 'anas'],
    ['CRI-O', { kind: 'kubernetes', id: id('5') }, 'kube-system/dns-abc12'],
    ['a pod, by its logs', { kind: 'kubernetes', id: id('0'), pod: POD }, 'default/shop-7d4b9c'],
    ['a pod without containers', { kind: 'kubernetes', pod: POD }, 'default/shop-7d4b9c'],
    ['a container of a pod, by its log', { kind: 'kubernetes', id: id('9') }, 'prod/cart-5f6'],
    ['containerd', { kind: 'kubernetes', id: id('a') }, 'office/mail-0'],
    ['k3s', { kind: 'kubernetes', id: id('c') }, 'kube-system/traefik'],
    ['nerdctl', { kind: 'containerd', id: id('b') }, 'nerd'],
    ['lxc', { kind: 'lxc', name: 'web' }, 'web'],
    [
      'kubernetes in docker',
      { kind: 'kubernetes', pod: POD, within: { kind: 'docker', id: ID } },
      'web/kubernetes:2c4b2241-5c0',
    ],
  ])('%s', (_, container, text) => {
    expect(names.nameOf(container)).toEqual({ text, isFound: true });
  });

  test.each<[container: Container, text: string]>([
    [{ kind: 'docker', id: '0123456789abcdef'.repeat(4) }, 'docker:0123456789ab'],
    [{ kind: 'podman', id: id('7') }, 'podman:777777777777'],
    [{ kind: 'podman', id: id('7'), user: 4711 }, 'podman:777777777777'],
    // Files of root's engines do not name containers in a user slice.
    [{ kind: 'docker', id: ID, user: 1000 }, 'docker:3f9a0c6be1d2'],
    [{ kind: 'podman', id: '0b1c2d3e4f50'.padEnd(64, 'b'), user: 1000 }, 'podman:0b1c2d3e4f50'],
    [{ kind: 'kubernetes', id: id('a'), user: 1000 }, 'kubernetes:aaaaaaaaaaaa'],
    [{ kind: 'kubernetes', pod: POD, user: 1000 }, `kubernetes:${POD.slice(0, 12)}`],
    [{ kind: 'kubernetes', pod: POD.replace('2', '3') }, 'kubernetes:3c4b2241-5c0'],
    [{ kind: 'kubernetes' }, 'kubernetes'],
  ])('returns a label if no name is found: %j', (container, text) => {
    expect(names.nameOf(container)).toEqual({ text, isFound: false });
  });

  test('ignores files in the home of a user that another user owns, because a folder may be a link', () => {
    const strict = new ContainerNames(join(FIXTURE, 'root'), () => false);
    expect(strict.nameOf({ kind: 'docker', id: id('8'), user: 1000 }).text).toBe('docker:888888888888');
    expect(strict.nameOf({ kind: 'podman', id: id('7'), user: 1000 }).text).toBe('podman:777777777777');
    expect(strict.nameOf({ kind: 'docker', id: ID }).text).toBe('web');
  });

  test('prefixes a claimed name with the name or uid of the user', () => {
    expect(names.claimedName(1000, 'web')).toBe('~ana/web');
    expect(names.claimedName(4711, 'web')).toBe('~4711/web');
    expect(names.claimedName(1000, 'a'.repeat(500))).toHaveLength(255);
  });

  test('does not give a nested container the name of another container', () => {
    const pretended = containerOf(`0::/lxc.payload.evil/docker-${ID}.scope`);
    expect(pretended && names.nameOf(pretended).text).toBe('evil/docker:3f9a0c6be1d2');
  });
});

describe('malformed files', () => {
  const newFolder = useFolders();
  let root: string;
  let names: ContainerNames;
  beforeEach(() => {
    root = newFolder();
    names = new ContainerNames(root);
  });

  const path = (file: string): string => {
    mkdirSync(join(root, file, '..'), { recursive: true });
    return join(root, file);
  };
  const DOCKER = `var/lib/docker/containers/${ID}/config.v2.json`;
  const STORAGE = 'var/lib/containers/storage/overlay-containers/containers.json';
  const docker = () => names.nameOf({ kind: 'docker', id: ID });
  const podman = () => names.nameOf({ kind: 'podman', id: ID }).text;
  const LABEL = { text: 'docker:3f9a0c6be1d2', isFound: false };

  test.each([
    '',
    '{',
    'null',
    '[]',
    '"Name"',
    '{"Name":7}',
    '{"Name":""}',
    '{"Name":"/"}',
    '{"Name":{"toString":1}}',
    '{"__proto__":{"Name":"/x"}}',
    '['.repeat(200_000),
  ])('ignores %.30j', (text) => {
    writeFileSync(path(DOCKER), text);
    expect(docker()).toEqual(LABEL);
  });

  test.each([
    '',
    '{}',
    '[null,1,"a",{}]',
    `[{"id":"${ID}"}]`,
    `[{"id":"${ID}","names":"a"}]`,
    `[{"id":"${ID}","names":[3]}]`,
  ])('ignores a list %.30j', (text) => {
    writeFileSync(path(STORAGE), text);
    expect(podman()).toBe('podman:3f9a0c6be1d2');
  });

  test('truncates a long name', () => {
    writeFileSync(path(DOCKER), JSON.stringify({ Name: `/${'a'.repeat(10_000)}` }));
    expect(docker().text).toHaveLength(255);
  });

  test('does not read a huge file', () => {
    writeFileSync(path(DOCKER), JSON.stringify({ Name: '/web', more: 'x'.repeat(1024 * 1024) }));
    expect(docker()).toEqual(LABEL);
  });

  test('does not follow a link', () => {
    writeFileSync(path('elsewhere.json'), '{"Name":"/web"}');
    symlinkSync(join(root, 'elsewhere.json'), path(DOCKER));
    expect(docker()).toEqual(LABEL);
    rmSync(path(DOCKER));
    symlinkSync(path(DOCKER), path(DOCKER));
    expect(docker()).toEqual(LABEL);
  });

  test('ignores a folder and a pipe without a writer', () => {
    mkdirSync(path(`${DOCKER}/folder`), { recursive: true });
    expect(docker()).toEqual(LABEL);
    rmSync(path(DOCKER), { recursive: true });
    expect(spawnSync('mkfifo', [path(DOCKER)]).status).toBe(0);
    expect(docker()).toEqual(LABEL);
  });

  test('reads a list again when it has changed', () => {
    writeFileSync(path(STORAGE), JSON.stringify([{ id: ID, names: ['one'] }]));
    expect(podman()).toBe('one');
    expect(podman()).toBe('one');
    writeFileSync(path(STORAGE), JSON.stringify([{ id: ID, names: ['another'] }]));
    expect(podman()).toBe('another');
    rmSync(path(STORAGE));
    expect(podman()).toBe('podman:3f9a0c6be1d2');
  });
});
