import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const text = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');

/** Returns the numbered lines of a section, each with the names in it that are written as code. */
function stepsOf(title: string): string[][] {
  const [, section = ''] = text.split(`\n### ${title}\n`);
  const lines =
    section
      .split(/\n##/, 1)[0]
      ?.split('\n')
      .filter((line) => /^\d+\. /.test(line)) ?? [];
  return lines.map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

describe.each(['From a kernel message to cells', 'From a key to its effect'])('%s', (title) => {
  const steps = stepsOf(title);

  test('has ten steps', () => expect(steps).toHaveLength(10));

  test.each(steps.map((names) => [names.join(' '), names] as const))(
    'the files have what is named: %s',
    (_, names) => {
      const isFile = (name: string) => name.endsWith('.ts');
      const code = names
        .filter(isFile)
        .map((file) => readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8'))
        .join('\n');
      for (const name of names.filter((it) => !isFile(it)))
        expect(code).toMatch(new RegExp(`(?<!\\w)${name}(?!\\w)`));
    },
  );
});

test('the table of what to add names files that exist', () => {
  const root = new URL('../../', import.meta.url);
  const files = ['src', 'test', 'docs'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((it) => `/${folder}/${it}`),
  );
  const [, section = ''] = text.split('\n## To add …\n');
  const named = [...(section.split('\n## ', 1)[0] ?? '').matchAll(/`([\w/.-]+(?:\.\w+|\/))`/g)].map(
    ([, name = '']) => name,
  );
  expect(named.length).toBeGreaterThan(40);
  const exists = (name: string) =>
    files.some((file) => file.endsWith(`/${name}`) || (name.endsWith('/') && file.includes(`/${name}`)));
  expect(named.filter((name) => !exists(name))).toEqual([]);
});
