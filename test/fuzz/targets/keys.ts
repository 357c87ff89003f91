import type { Batch } from '../../../src/model/batch.ts';
import { ESCAPE_MS } from '../../../src/tui/input.ts';
import { splitInput } from '../../../src/tui/split-input.ts';
import { FakeApp } from '../../helpers/app.ts';
import { batch, socket, withEvents } from '../../helpers/fakes.ts';
import { HOSTILE } from '../../helpers/lines.ts';
import { BATCHES } from '../../helpers/scene.ts';
import { checkHarmless } from '../checks.ts';
import { mutatedText } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { Outcome, Session, Target } from '../target.ts';

/** Every key that has a command in some mode, mouse reports, a paste, and text. */
const KEYS = [
  ...Array.from('pPN/ltuUxbhHvozZC fsSncegmiG:?kjdar<>+-=wyY123456789'),
  ...Array.from(':443 process:node or !new ("x'),
  ...['\x1b[A', '\x1b[B', '\x1b[C', '\x1b[D', '\x1b[5~', '\x1b[6~', '\x1b[H', '\x1b[F', '\x1b[3~', '\x1b[Z'],
  ...[
    '\r',
    '\t',
    '\x15',
    '\x04',
    '\x10',
    '\x17',
    '\x7f',
    '\x0c',
    '\x1b',
    '\x1b\x1b[A',
    '\x1bOA',
    '\x1bO2P',
    '\x1bOM',
    '\x1b]11;rgb:0/0/0\x07',
    '\x1b[M !!',
  ],
  ...['\x1b[<0;5;8M', '\x1b[<0;5;8m', '\x1b[<64;5;8M', '\x1b[<65;5;8M', '\x1b[200~paste\x1b[201~'],
  ...['日', 'ä', 'é\u0301', '\u202e', '😀'],
];
/** Keys that end or suspend the program. */
const ENDING = /[q\x03\x1a]/g;

const SIZES = [
  [80, 24],
  [120, 40],
  [40, 10],
  [20, 5],
] as const;

/**
 * Sequences in blessed's output: CSI, OSC with its terminator, ESC with a letter or a charset; cursor and charset
 * controls.
 */
const SEQUENCES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*\x07|\x1b[()][0-9A-B]|\x1b[78=>cDEHM]|[\r\n\b\x0e\x0f]/g;

/** A batch of sockets whose programs, users, interfaces and namespaces have hostile names. */
const HOSTILE_BATCH: Batch | undefined = withEvents(
  batch({
    monotonicMs: 3000,
    spawned: HOSTILE.map((text, i) =>
      socket({ id: `h${i}`, process: text, user: text, interface: text, netns: { inode: i, name: text } }),
    ),
  }),
)[0];

const burstOf = (random: Random): string => {
  const keys = Array.from({ length: 1 + random.below(8) }, () => random.of(KEYS)).join('');
  return (random.oneIn(5) ? mutatedText(random, keys) : keys).replace(ENDING, '');
};

/** Throws if the output has control characters besides blessed's own sequences. */
function checkOutput(bytes: readonly Buffer[]): void {
  const text = Buffer.concat(bytes).toString();
  checkHarmless(text.replace(SEQUENCES, ''), 'the output to the terminal');
}

function app(random: Random): Session {
  const [columns, rows] = random.of(SIZES);
  const fake = new FakeApp(columns, rows);
  let written: Buffer[] = [];
  fake.onOutput = (data) => written.push(data);
  const batches = [...BATCHES, ...(HOSTILE_BATCH ? [HOSTILE_BATCH] : [])];
  const typed: string[] = [];
  return {
    input: () => JSON.stringify(typed),
    end: () => fake.close(),
    next: async (): Promise<Outcome> => {
      const next = batches.shift();
      if (next) await fake.take(next);
      if (random.oneIn(20)) {
        const [width, height] = random.of(SIZES);
        await fake.resize(width, height);
      }
      const keys = burstOf(random);
      typed.push(keys);
      const { tokens, rest } = splitInput(keys);
      if (tokens.join('') + rest !== keys) throw new Error('keys are lost');
      await fake.press(keys);
      // A sequence that waits for its end gets none.
      if (random.oneIn(3)) await fake.pass(ESCAPE_MS);
      checkOutput(written);
      written = [];
      const { query, prompt } = fake.app.state;
      if (query.text.length > 4096) throw new Error(`a query of ${query.text.length} characters`);
      if (prompt && prompt.text.length > 8192)
        throw new Error(`${prompt.text.length} characters in a prompt`);
      return 'accepted';
    },
  };
}

export const keys: Target = {
  about: 'keys, mouse reports and pastes: the whole screen, with hostile names on it',
  inputsPerSession: 200,
  suiteRuns: 160,
  open: app,
};
