import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEventFormat, parsePageLayout } from '../../../../src/source/linux/trace/format.ts';
import { fixture, format } from './fake.ts';

describe('the format of an event', () => {
  test('is parsed for Linux 6.18', () => {
    const { format: parsed, problems } = parseEventFormat(format('sock/inet_sock_set_state'));
    expect(problems).toBe(0);
    expect(parsed?.id).toBe(2287);
    expect(Object.fromEntries(parsed?.fields ?? [])).toEqual({
      common_type: { offset: 0, size: 2 },
      common_flags: { offset: 2, size: 1 },
      common_preempt_count: { offset: 3, size: 1 },
      common_pid: { offset: 4, size: 4 },
      skaddr: { offset: 8, size: 8 },
      oldstate: { offset: 16, size: 4 },
      newstate: { offset: 20, size: 4 },
      sport: { offset: 24, size: 2 },
      dport: { offset: 26, size: 2 },
      family: { offset: 28, size: 2 },
      protocol: { offset: 30, size: 2 },
      saddr: { offset: 32, size: 4 },
      daddr: { offset: 36, size: 4 },
      saddr_v6: { offset: 40, size: 16 },
      daddr_v6: { offset: 56, size: 16 },
    });
  });

  test('has the name of a field of variable length', () => {
    const { format: parsed } = parseEventFormat(format('sched/sched_process_exec'));
    expect(parsed?.fields.get('filename')).toEqual({ offset: 8, size: 4 });
  });

  test('skips and counts a malformed field', () => {
    const text = 'ID: 7\nformat:\n\tfield:int a;\toffset:;\tsize:4;\n\tfield:int b;\toffset:4;\tsize:4;\n';
    const { format: parsed, problems } = parseEventFormat(text);
    expect(problems).toBe(1);
    expect([...(parsed?.fields.keys() ?? [])]).toEqual(['b']);
  });

  test('is undefined without an id', () => {
    expect(parseEventFormat('name: x\nformat:\n').format).toBeUndefined();
    expect(parseEventFormat('').format).toBeUndefined();
  });

  test('accepts any text', () => {
    const line = fc.constantFrom(
      'ID: 1',
      '\tfield:',
      'int a',
      '[',
      ']',
      ';',
      '\toffset:4;',
      '\tsize:',
      '9',
      '\n',
      ' ',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(line, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { format: parsed, problems } = parseEventFormat(text);
        const lines = text.split('\n').filter((it) => /^\s*field:/.test(it)).length;
        expect(problems + (parsed?.fields.size ?? 0)).toBeLessThanOrEqual(lines);
        parsePageLayout(text, true);
      }),
    );
  });
});

describe('the layout of a page', () => {
  const text = fixture('header_page.txt');

  test('is parsed for Linux 6.18 on 64 bits', () => {
    expect(parsePageLayout(text, true)).toEqual({ time: 0, commit: 8, data: 16, length: 4096 });
  });

  test('has the low bits of a long at its end on a big-endian machine', () => {
    expect(parsePageLayout(text, false)?.commit).toBe(12);
  });

  test('is parsed for 32 bits and pages of 64 KiB', () => {
    const narrow = text
      .replace('commit;\toffset:8;\tsize:8', 'commit;\toffset:8;\tsize:4')
      .replace('offset:16;\tsize:4080', 'offset:12;\tsize:65524');
    expect(parsePageLayout(narrow, true)).toEqual({ time: 0, commit: 8, data: 12, length: 65536 });
    expect(parsePageLayout(narrow, false)?.commit).toBe(8);
  });

  test.each([
    ['a field is missing', text.replace('commit', 'comet')],
    ['a time of 32 bits', text.replace('offset:0;\tsize:8', 'offset:0;\tsize:4')],
    ['a length of 16 bits', text.replace('commit;\toffset:8;\tsize:8', 'commit;\toffset:8;\tsize:2')],
    ['the header overlaps the data', text.replace('offset:16', 'offset:8')],
    ['an unaligned length', text.replace('size:4080', 'size:4079')],
    ['a page of many gigabytes', text.replace('size:4080', 'size:4294967292')],
    ['an empty text', ''],
  ])('is undefined: %s', (_why, corrupt) => {
    expect(corrupt).not.toBe(text);
    expect(parsePageLayout(corrupt, true)).toBeUndefined();
  });
});
