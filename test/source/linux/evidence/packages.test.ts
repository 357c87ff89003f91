import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Files } from '../../../../src/source/linux/evidence/files.ts';
import { aliasesOf, packageOf, type Run } from '../../../../src/source/linux/evidence/packages.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();

/** Returns files below a root. */
function filesWith(texts: Readonly<Record<string, string>>): Files {
  const root = newFolder();
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return new Files(root);
}

/** rpm knows no package of a file. */
const none: Run = () => Promise.resolve('');
const MD5 = '0123456789abcdef0123456789abcdef';
const SHA256 = MD5 + MD5;

describe('the package of a file', () => {
  test('by dpkg, also where /bin is a link to /usr/bin; with version and digest', async () => {
    const files = filesWith({
      'var/lib/dpkg/info/other.list': '/usr/bin/tool-longer\n/usr/bin/too\n',
      'var/lib/dpkg/info/tool:amd64.list': '/.\n/bin/tool\n',
      'var/lib/dpkg/info/tool:amd64.md5sums': `${MD5}  bin/tool\n`,
      'var/lib/dpkg/status':
        'Package: tool\nArchitecture: i386\nVersion: 1\n\nPackage: tool\nArchitecture: amd64\nVersion: 2-1\n',
    });
    expect(await packageOf('/usr/bin/tool', files, none)).toEqual({
      text: 'tool:amd64 2-1',
      from: 'dpkg',
      digest: { algorithm: 'md5', hex: MD5 },
    });
    expect(await packageOf('/usr/bin/unknown', files, none)).toBe('none');
  });

  test('is none for a path with a line end, which equals two lines of a list', async () => {
    const files = filesWith({
      'var/lib/dpkg/info/web.list': '/var/lib/web/a\n/var/lib/web/b\n',
      'var/lib/dpkg/status': 'Package: web\nVersion: 1\n',
    });
    expect(await packageOf('/var/lib/web/a\n/var/lib/web/b', files, none)).toBe('none');
  });

  test('by apk', async () => {
    const sha1 = Buffer.alloc(20, 7);
    const files = filesWith({
      'lib/apk/db/installed': `P:musl\nV:1.2\nF:lib\nR:ld.so\na:0:0:755\nZ:Q1${sha1.toString('base64')}\n\nP:curl\nV:8-r0\nF:usr/bin\nR:curl\n`,
    });
    expect(await packageOf('/lib/ld.so', files, none)).toEqual({
      text: 'musl 1.2',
      from: 'apk',
      digest: { algorithm: 'sha1', hex: sha1.toString('hex') },
    });
    expect(await packageOf('/usr/bin/curl', files, none)).toEqual({ text: 'curl 8-r0', from: 'apk' });
    expect(await packageOf('/usr/bin/wget', files, none)).toBe('none');
  });

  test('by pacman', async () => {
    const files = filesWith({
      'var/lib/pacman/local/openssh-9.8p1-1/files': '%FILES%\nusr/\nusr/bin/ssh\n',
      'var/lib/pacman/local/ALPM_DB_VERSION': '9\n',
    });
    expect(await packageOf('/usr/bin/unknown', files, none)).toBe('none');
    expect(await packageOf('/usr/bin/ssh', files, none)).toEqual({ text: 'openssh 9.8p1-1', from: 'pacman' });
  });

  test('by rpm, which is asked without a shell', async () => {
    const files = filesWith({ 'var/lib/rpm/rpmdb.sqlite': '' });
    const calls: (readonly string[])[] = [];
    const rpm: Run = (program, args) => {
      calls.push([program, ...args]);
      if (args.includes('--dump'))
        return Promise.resolve(`/usr/sbin/x 10 0 ${SHA256} 0100755 root root 0 0 0 X\n`);
      return Promise.resolve('nginx 1.24-1\n');
    };
    expect(await packageOf('/usr/sbin/x', files, rpm)).toEqual({
      text: 'nginx 1.24-1',
      from: 'rpm',
      digest: { algorithm: 'sha256', hex: SHA256 },
    });
    expect(calls[0]?.slice(-2)).toEqual(['--', '/usr/sbin/x']);
    expect(await packageOf('/usr/sbin/x', files, none)).toBe('none');
  });

  test('is unknown if rpm cannot be run', async () => {
    const files = filesWith({ 'var/lib/rpm/rpmdb.sqlite': '' });
    expect(await packageOf('/usr/sbin/x', files, () => Promise.resolve(undefined))).toBe('unknown');
  });

  test('is unknown if no list has the file and one list cannot be read', async () => {
    const files = filesWith({
      'var/lib/dpkg/info/a.list': '/bin/a\n',
      // Not a regular file.
      'var/lib/dpkg/info/b.list/x': '',
      'var/lib/dpkg/status': '',
    });
    expect(await packageOf('/bin/tool', files, none)).toBe('unknown');
    expect(await packageOf('/bin/a', files, none)).toMatchObject({ text: 'a' });
  });

  test('is unknown without a database', async () => {
    expect(await packageOf('/bin/sh', filesWith({}), none)).toBe('unknown');
  });
});

test.each([
  ['/bin/sh', ['/bin/sh', '/usr/bin/sh']],
  ['/usr/lib64/x', ['/usr/lib64/x', '/lib64/x']],
  ['/opt/bin/x', ['/opt/bin/x']],
])('%s is also %j', (path, aliases) => {
  expect(aliasesOf(path)).toEqual(aliases);
});
