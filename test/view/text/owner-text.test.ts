import { describe, expect, test } from 'vitest';
import type { Owner } from '../../../src/model/socket.ts';
import * as format from '../../../src/view/text/format.ts';
import { socket } from '../../helpers/fakes.ts';

const owned = (...owners: Owner[]) => format.ownerText({ ...socket(), owners });

describe('the program', () => {
  test('shows both programs of a process that runs another one now', () => {
    const python = { knowledge: 'exact', pid: 7, process: 'python3', nowProcess: 'sleep' } as const;
    expect(owned(python)).toBe('python3 → sleep');
    expect(owned({ ...python, knowledge: 'inherited' }, python)).toBe('(python3 → sleep) +1');
    expect(owned({ knowledge: 'exact', pid: 7, nowProcess: 'sleep' })).toBe('? → sleep');
    expect(owned({ ...python, nowProcess: '\u202e' })).toBe('python3 → "?"');
    expect(owned({ knowledge: 'sender', pid: 7, process: 'dig' })).toBe('dig?');
  });

  test.each<[string, Owner[]]>([
    ['node', [{ knowledge: 'exact', pid: 1, process: 'node' }]],
    [
      'node +2',
      [
        { knowledge: 'exact', pid: 1, process: 'node' },
        { knowledge: 'exact', pid: 2 },
        { knowledge: 'exact', pid: 3 },
      ],
    ],
    ['(node)', [{ knowledge: 'inherited', pid: 1, process: 'node' }]],
    [
      '(node) +1',
      [
        { knowledge: 'inherited', pid: 1, process: 'node' },
        { knowledge: 'inherited', pid: 2 },
      ],
    ],
    ['[sshd]', [{ knowledge: 'listener', pid: 1, process: 'sshd' }]],
    ['hidden', [{ knowledge: 'hidden' }]],
    ['kernel', [{ knowledge: 'kernel' }]],
    ['…', [{ knowledge: 'pending' }]],
    ['gone', [{ knowledge: 'gone' }]],
    ['?', [{ knowledge: 'exact', pid: 1 }]],
    ['a?b', [{ knowledge: 'exact', pid: 1, process: 'a\nb' }]],
    // Never blank.
    ['""', [{ knowledge: 'exact', pid: 1, process: '' }]],
    ['"  "', [{ knowledge: 'exact', pid: 1, process: '  ' }]],
    ['("")', [{ knowledge: 'inherited', pid: 1, process: '' }]],
    ['unknown', [{ knowledge: 'unknown', tried: 'not among the descriptors' }]],
    ['unknown', []],
  ])('%s', (text, owners) => {
    expect(owned(...owners)).toBe(text);
  });

  const MARKS: readonly (readonly Owner[])[] = [
    ...(['hidden', 'kernel', 'gone', 'pending', 'exact', 'inherited', 'listener'] as const).map(
      (knowledge): Owner[] => [{ knowledge }],
    ),
    [{ knowledge: 'exact', pid: 1 }],
    [{ knowledge: 'inherited', process: 'sshd' }],
    [{ knowledge: 'listener', process: 'nginx' }],
    [{ knowledge: 'exact', process: 'sshd' }, { knowledge: 'exact' }, { knowledge: 'exact' }],
    [{ knowledge: 'listener', process: '(sshd)' }, { knowledge: 'exact' }],
  ];

  test('no name has the text of a mark or of another name', () => {
    const names = [
      ...MARKS.map((owners) => owned(...owners)),
      ...[
        '',
        ' ',
        'sshd ',
        ' sshd',
        'sshd',
        'Kernel',
        '"sshd"',
        '\\"sshd\\"',
        '(sshd',
        '[x',
        'unknown',
        '·',
        '-',
        '*',
      ],
      ...['~', 'a…b', 'python3 → sleep', 'python3 > sleep', 'x) +1', '"', '"("'],
    ];
    const texts = names.map((process) => owned({ knowledge: 'exact', pid: 1, process }));
    expect(new Set(texts).size).toBe(new Set(names).size);
    for (const owners of MARKS)
      expect(texts.filter((text) => text === owned(...owners))).toEqual(
        owners.length === 1 && owners[0]?.process === 'sshd' && owners[0].knowledge === 'exact'
          ? ['sshd']
          : [],
      );
    // An ordinary name stays unquoted.
    const EVERYDAY = [
      'sshd',
      'kworker/0:1-events',
      'my app',
      'java (main)',
      'a+b',
      'foo +',
      'x[1]',
      'n-1',
      '日本',
    ];
    expect(EVERYDAY.map((process) => owned({ knowledge: 'exact', process }))).toEqual(EVERYDAY);
  });
});
