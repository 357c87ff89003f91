import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serviceTexts } from '../../src/cli/services.ts';
import { servicePorts, setServiceTexts } from '../../src/model/services.ts';

const folder = mkdtempSync(join(tmpdir(), 'netpane-services-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a list is read up to a limit, and ends with a whole line', () => {
  const system = join(folder, 'services');
  writeFileSync(system, 'service 77/tcp\n'.repeat(200_000));
  const text = serviceTexts({ system, registry: join(folder, 'none') }).system() ?? '';
  expect(text.length).toBeLessThanOrEqual(2 << 20);
  expect(text).toMatch(/service 77\/tcp$/);
});

test('a list that is not there, or is a folder, is none', () => {
  const texts = serviceTexts({ system: tmpdir(), registry: join(folder, 'none') });
  expect([texts.system(), texts.registry()]).toEqual([undefined, undefined]);
});

test('the registry that the build makes knows what no short list does', () => {
  const registry = new URL('../../dist/services.txt', import.meta.url).pathname;
  setServiceTexts({ ...serviceTexts({ system: join(folder, 'none'), registry }) });
  expect(['discard', 'epmap', 'commplex-main'].map((name) => servicePorts(name)[0])).toEqual([9, 135, 5000]);
  setServiceTexts({ system: () => undefined, registry: () => undefined });
});
