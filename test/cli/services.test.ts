import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serviceTexts } from '../../src/cli/services.ts';
import { systemFile } from '../../src/cli/system-file.ts';
import { servicePorts, setServiceTexts } from '../../src/model/services.ts';

const directory = mkdtempSync(join(tmpdir(), 'netpane-services-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('reads a list up to a limit, ending with a whole line', () => {
  const system = join(directory, 'services');
  writeFileSync(system, 'service 77/tcp\n'.repeat(200_000));
  const text = serviceTexts({ system, registry: join(directory, 'none') }).system() ?? '';
  expect(text.length).toBeLessThanOrEqual(2 << 20);
  expect(text).toMatch(/service 77\/tcp$/);
});

test('ignores a list that is missing or a directory', () => {
  const texts = serviceTexts({ system: tmpdir(), registry: join(directory, 'none') });
  expect([texts.system(), texts.registry()]).toEqual([undefined, undefined]);
});

test('the registry of the build has services that the short list lacks', () => {
  const registry = new URL('../../dist/services.txt', import.meta.url).pathname;
  setServiceTexts({ ...serviceTexts({ system: join(directory, 'none'), registry }) });
  expect(['discard', 'epmap', 'commplex-main'].map((name) => servicePorts(name)[0])).toEqual([9, 135, 5000]);
  setServiceTexts({ system: () => undefined, registry: () => undefined });
});

test('the files of the system are below the folder of Windows there', () => {
  expect(systemFile('services', 'linux')).toBe('/etc/services');
  expect(systemFile('hosts', 'win32', { SystemRoot: 'D:\\Win' })).toBe(
    'D:\\Win\\System32\\drivers\\etc\\hosts',
  );
  expect(systemFile('hosts', 'win32', {})).toBe('C:\\Windows\\System32\\drivers\\etc\\hosts');
});
