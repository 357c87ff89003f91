import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TerminalInput } from '../../src/tui/input.ts';
import { splitInput } from '../../src/tui/split-input.ts';

/** Complete sequences of every kind that a terminal sends. */
const SEQUENCES = [
  '\x1b[A',
  '\x1bOA',
  '\x1b[5~',
  '\x1b[1;5C',
  '\x1b[<0;12;34M',
  '\x1b[<64;200;100m',
  '\x1b[M !!',
  '\x1b\x1b[A',
  '\x1b[[A',
  '\x1b[[E',
  '\x1b\x1b[[B',
  '\x1b[5$',
  '\x1bO2P',
  '\x1bO1;5A',
  '\x1bx',
  '\x1bé',
  'q',
  '\r',
  '\x03',
  '日本',
  '😀',
];

describe('splitInput', () => {
  test.each([
    ['a key', 'q', ['q'], ''],
    ['text as one token', 'port 443', ['port 443'], ''],
    ['several arrow keys', '\x1b[A\x1b[B\x1bOC', ['\x1b[A', '\x1b[B', '\x1bOC'], ''],
    ['mouse reports', '\x1b[<0;1;2M\x1b[<0;1;2m', ['\x1b[<0;1;2M', '\x1b[<0;1;2m'], ''],
    ['a mouse report followed by a key', '\x1b[<64;1;2Mq', ['\x1b[<64;1;2M', 'q'], ''],
    [
      'an X10 mouse report, whose bytes may look like other sequences',
      '\x1b[M q\x1bx',
      ['\x1b[M q\x1b', 'x'],
      '',
    ],
    ['alt and a letter', '\x1bx\x1by', ['\x1bx', '\x1by'], ''],
    ['F1 to F5 of the Linux console', '\x1b[[A\x1b[[Eq', ['\x1b[[A', '\x1b[[E', 'q'], ''],
    ['an incomplete F-key of the Linux console', 'q\x1b[[', ['q'], '\x1b[['],
    [
      'a sequence of the console that is no F-key',
      '\x1b[[q\x1b[[\x1b[A',
      ['\x1b[[', 'q', '\x1b[[', '\x1b[A'],
      '',
    ],
    ['an incomplete sequence', 'q\x1b[<0;1', ['q'], '\x1b[<0;1'],
    ['a lone ESC', '\x1b', [], '\x1b'],
    ['two ESC', '\x1b\x1b', [], '\x1b\x1b'],
    ['many ESC', '\x1b\x1b\x1b\x1bx', ['\x1b', '\x1b', '\x1b', '\x1bx'], ''],
    ['two ESC before a letter', '\x1b\x1bx', ['\x1b', '\x1bx'], ''],
    ['parameters in any order', '\x1b[/<m\x1b[ 1qj', ['\x1b[/<m', '\x1b[ 1q', 'j'], ''],
    ['a CSI sequence before another', '\x1b[/<\x1b[A', ['\x1b[/<', '\x1b[A'], ''],
    ['a CSI sequence with a control character', '\x1b[1\rq', ['\x1b[1', '\rq'], ''],
    ['alt and O before another sequence', '\x1bO\x1b[A', ['\x1bO', '\x1b[A'], ''],
    ['a key of rxvt with shift', '\x1b[5$q\x1b[23$', ['\x1b[5$', 'q', '\x1b[23$'], ''],
    ['an F-key of Konsole with shift', '\x1bO2Pq', ['\x1bO2P', 'q'], ''],
    ['an F-key of old VTE with shift', '\x1bO1;2Pq', ['\x1bO1;2P', 'q'], ''],
    ['alt and O before digits', '\x1bO12345q', ['\x1bO12345', 'q'], ''],
    ['ESC before an X10 mouse report', '\x1b\x1b[M !!', ['\x1b', '\x1b[M !!'], ''],
    ['ESC before an SGR mouse report', '\x1b\x1b[<0;1;2M', ['\x1b', '\x1b[<0;1;2M'], ''],
    ['alt and a character of two UTF-16 units', '\x1b😀x', ['\x1b😀', 'x'], ''],
    ['alt and the start of an answer', '\x1bPq\x1b]q\x1b_q', ['\x1bP', 'q', '\x1b]', 'q', '\x1b_', 'q'], ''],
    ['an incomplete answer', 'q\x1b]11;rgb:00', ['q'], '\x1b]11;rgb:00'],
    ['an answer before a key', '\x1b]11;rgb:00\x1b[A', ['\x1b]11;rgb:00', '\x1b[A'], ''],
    ['a long answer', `\x1b]52;${'A'.repeat(2000)}`, [`\x1b]52;${'A'.repeat(2000)}`], ''],
    ['too many parameters', `\x1b[${'1;'.repeat(50)}`, [`\x1b[${'1;'.repeat(50)}`], ''],
    ['nothing', '', [], ''],
  ])('splits %s', (_, text, tokens, rest) => {
    expect(splitInput(text)).toEqual({ tokens, rest });
  });

  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(
          ...SEQUENCES,
          '\x1b',
          '\x1b[',
          '\x1b[<0;',
          '\x1bO',
          '\x1b]11;',
          '\x1bP1$',
          '[',
          'O',
          'M',
          ';',
        ),
      )
      .map((parts) => parts.join('')),
  );

  test('any input: loses and adds nothing', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const { tokens, rest } = splitInput(text);
        expect(tokens.join('') + rest).toBe(text);
        expect(tokens).not.toContain('');
        // Only the start of a sequence waits; keys before it do not.
        if (rest !== '') expect(rest.startsWith('\x1b')).toBe(true);
        expect(rest.length).toBeLessThan(1100);
      }),
      { numRuns: 1000 },
    );
  });

  test('separates complete sequences in any order', () => {
    const keys = SEQUENCES.filter((it) => it.startsWith('\x1b'));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...keys)), (sequences) => {
        expect(splitInput(sequences.join(''))).toEqual({ tokens: sequences, rest: '' });
      }),
    );
  });
});

describe('TerminalInput', () => {
  let stdin: EventEmitter;
  let input: TerminalInput;
  let got: string[];
  beforeEach(() => {
    vi.useFakeTimers();
    stdin = new EventEmitter();
    input = new TerminalInput(stdin as unknown as NodeJS.ReadStream);
    got = [];
    input.on('data', (data: Buffer) => got.push(data.toString()));
  });
  afterEach(() => vi.useRealTimers());

  const feed = (...pieces: Uint8Array[]) => {
    for (const piece of pieces) stdin.emit('data', Buffer.from(piece));
  };

  test.each(SEQUENCES)('%j in two chunks, split anywhere', (sequence) => {
    const bytes = Buffer.from(`${sequence}\x1b[Z`);
    for (let at = 1; at < bytes.length; at++) {
      got = [];
      feed(bytes.subarray(0, at));
      vi.advanceTimersByTime(20);
      feed(bytes.subarray(at));
      // Text may arrive in two tokens, sequences never.
      expect(got.join('')).toBe(`${sequence}\x1b[Z`);
      expect(got.at(-1)).toBe('\x1b[Z');
      if (sequence.startsWith('\x1b')) expect(got).toEqual([sequence, '\x1b[Z']);
    }
  });

  test('a lone ESC is the key when nothing follows in time', () => {
    feed(Buffer.from('\x1b'));
    vi.advanceTimersByTime(49);
    expect(got).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(got).toEqual(['\x1b']);
    feed(Buffer.from('[A'));
    expect(got).toEqual(['\x1b', '[A']);
    vi.advanceTimersByTime(1000);
    expect(got).toHaveLength(2);
  });

  test('bytes that follow ESC in time belong to its sequence', () => {
    feed(Buffer.from('\x1b'));
    vi.advanceTimersByTime(40);
    feed(Buffer.from('['));
    vi.advanceTimersByTime(40);
    feed(Buffer.from('A'));
    vi.advanceTimersByTime(1000);
    expect(got).toEqual(['\x1b[A']);
  });

  test.each([
    ['the answer of a terminal about itself', '\x1b[?62;22c'],
    ['a key with modifiers as CSI u', '\x1b[97;5u'],
    ['a broken sequence', '\x1b[1/\r'],
    ['parameters in a wrong order', '\x1b[/<m'],
    ['an SS3 sequence of no key', '\x1bO!'],
    ['the answer about a colour', '\x1b]11;rgb:1e1e/1e1e/1e1e\x07'],
    ['the answer about a colour, with ST', '\x1b]4;1;rgb:1e1e/1e1e/1e1e\x1b\\'],
    ['the answer about the version', '\x1bP>|XTerm(388)\x1b\\'],
    ['the answer about a setting', '\x1bP1$r0m\x1b\\'],
    ['the answer about a capability', '\x1bP1+r544e\x1b\\'],
    ['the answer about graphics', '\x1b_Gi=1;OK\x1b\\'],
    ['an answer that never ends', '\x1b]11;rgb:1e1e'],
    ['alt and enter', '\x1b\r'],
    ['alt and a character of two UTF-16 units', '\x1b😀'],
    ['a wheel to the side', '\x1b[<66;1;1M\x1b[<67;1;1M'],
    ['a mouse button further than the wheel', '\x1b[<128;1;1M'],
    ['a sequence that never ends', '\x1b[1;2'],
  ])('%s presses none of the keys of its characters', (_, sequence) => {
    feed(Buffer.from(sequence));
    vi.advanceTimersByTime(50);
    feed(Buffer.from('q'));
    expect(got.filter((token) => token !== '\r')).toEqual(['q']);
  });

  test.each([
    ['enter', '\x1bOM', '\r'],
    ['0', '\x1bOp', '0'],
    ['9', '\x1bOy', '9'],
    ['/', '\x1bOo', '/'],
  ])('%s of the keypad is the key, in application mode too', (_, sequence, key) => {
    feed(Buffer.from(sequence));
    expect(got).toEqual([key]);
  });

  test.each(['\x1b]', '\x1bP1', '\x1b_'])('%j that starts no answer in time is alt', (text) => {
    feed(Buffer.from(text));
    expect(got).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(got).toEqual([text]);
  });

  test.each([
    '\x1b[/<',
    '\x1b',
    '\x1b[1',
    '\x1bO',
    '\x1bO1',
    '\x1b[[',
    '\x1b[M',
    '\x1b]11;',
    '\x1bP',
    '\x1b]1',
  ])('keys are not delayed by 100 KB of %j', (piece) => {
    feed(Buffer.from(piece.repeat(Math.ceil(100_000 / piece.length))));
    // Up to three characters belong to a mouse report.
    feed(Buffer.from('\x1b[Aqqqqq'));
    expect(got.at(-1)).toMatch(/q$/);
    // Each sequence is passed on alone: blessed needs quadratic time for many in one chunk.
    expect(got.filter(({ length }) => length > 10)).toEqual([]);
  });

  test('keys before an ESC are not delayed', () => {
    feed(Buffer.from('jj\x1b'));
    expect(got).toEqual(['jj']);
  });

  describe('pasted text', () => {
    let pasted: string[];
    beforeEach(() => {
      pasted = [];
      input.on('paste', (text: string) => pasted.push(text));
    });

    test('is one text, with line ends and keys in it, however it is split', () => {
      const text = 'port:443\rq\n\x1b[Aé';
      const bytes = Buffer.from(`j\x1b[200~${text}\x1b[201~k`);
      for (let at = 1; at < bytes.length; at++) {
        [got, pasted] = [[], []];
        feed(bytes.subarray(0, at));
        vi.advanceTimersByTime(20);
        feed(bytes.subarray(at));
        expect([got, pasted]).toEqual([['j', 'k'], [text]]);
      }
    });

    test('ends when its end is lost, so that keys are keys again', () => {
      feed(Buffer.from('\x1b[200~abc'));
      vi.advanceTimersByTime(999);
      expect(pasted).toEqual([]);
      vi.advanceTimersByTime(1);
      feed(Buffer.from('q'));
      expect([got, pasted]).toEqual([['q'], ['abc']]);
    });

    test('is also recognised without marks, which some terminals lack: more than 1000 characters at once', () => {
      feed(Buffer.from('j'.repeat(1000)));
      expect([got, pasted]).toEqual([['j'.repeat(1000)], []]);
      got = [];
      feed(Buffer.from('q'.repeat(1001)));
      vi.advanceTimersByTime(50);
      feed(Buffer.from('x'.repeat(100_000)));
      vi.advanceTimersByTime(50);
      expect([got, pasted]).toEqual([[], ['q'.repeat(1001), 'x'.repeat(65_536)]]);
    });

    test.each([`\x1b]52;${'q'.repeat(2000)}`, `\x1b[${'1'.repeat(2000)}`])(
      'is not what a long sequence becomes: %.20j…',
      (text) => {
        feed(Buffer.from(text));
        vi.advanceTimersByTime(1000);
        expect([got, pasted]).toEqual([[], []]);
      },
    );

    test('without marks includes the parts that follow at once, however short', () => {
      feed(Buffer.from('q'.repeat(4095)));
      vi.advanceTimersByTime(20);
      feed(Buffer.from('qq'));
      vi.advanceTimersByTime(50);
      feed(Buffer.from('j'));
      expect([got, pasted]).toEqual([['j'], ['q'.repeat(4097)]]);
    });

    test('may follow the ESC key, and end with ESC', () => {
      feed(Buffer.from('\x1b\x1b[200~q\x1b\x1b[201~j'));
      expect([got, pasted]).toEqual([['\x1b', 'j'], ['q\x1b']]);
    });

    test('is cut at a maximum length', () => {
      feed(Buffer.from(`\x1b[200~${'x'.repeat(50_000)}`));
      feed(Buffer.from(`${'y'.repeat(50_000)}\x1b[201~`));
      expect(pasted.map(({ length }) => length)).toEqual([65_536]);
    });
  });

  test('ignores bytes that are not UTF-8', () => {
    feed(Buffer.from([0xff, 0xfe]), Buffer.from('q'));
    expect(got.join('').endsWith('q')).toBe(true);
  });
});
