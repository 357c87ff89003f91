import { readFileSync } from 'node:fs';
import { netlinkBuffer } from '../../../src/source/linux/netlink/wire.ts';
import { parsePageLayout } from '../../../src/source/linux/trace/format.ts';
import { Decoder, EVENTS } from '../../../src/source/linux/trace/decoder.ts';
import { eachEvent } from '../../../src/source/linux/trace/ring.ts';
import { parseLost } from '../../../src/source/linux/trace/trace.ts';
import { mutatedBytes, mutatedText } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { Target } from '../target.ts';

const read = (name: string): string => readFileSync(`fixtures/linux/trace/${name}`, 'utf8');

const PAGES = read('pages.b64')
  .trimEnd()
  .split('\n')
  .map((line) => Buffer.from(line, 'base64'));
const HEADER = read('header_page.txt');
const STATS = read('stats.txt');
const FORMATS = [...EVENTS.keys()].map(
  (name) => [name, read(`${name.split('/').at(-1) ?? ''}.format`)] as const,
);

/** Minimum length of an event, bytes: its header. */
const MIN_EVENT_LENGTH = 4;

/** Returns a decoder with the event formats of a kernel, some of them mutated. */
function decoderOf(random: Random): Decoder {
  const decoder = new Decoder();
  for (const [name, format] of FORMATS)
    decoder.addEvent(name, random.oneIn(8) ? mutatedText(random, format) : format);
  return decoder;
}

export const trace: Target = {
  about: 'pages of the ring buffer and their format files: decoder of the trace',
  inputsPerSession: 20,
  suiteRuns: 2000,
  open: (random) => {
    const decoder = decoderOf(random);
    const layout = parsePageLayout(random.oneIn(3) ? mutatedText(random, HEADER) : HEADER, true);
    let input: Uint8Array = new Uint8Array();
    return {
      input: () => input,
      next: () => {
        const lost = parseLost(mutatedText(random, STATS));
        if (!(lost >= 0)) throw new Error(`${lost} events lost`);
        input = mutatedBytes(random, random.of(PAGES));
        if (layout === undefined) return 'refused';
        const buffer = netlinkBuffer(Math.max(4096, input.length));
        buffer.bytes.set(input);
        let count = 0;
        eachEvent(buffer, layout, input.length, (start, end, atMs) => {
          count++;
          const isWithin = start <= end && end <= input.length;
          if (!isWithin || !Number.isFinite(atMs))
            throw new Error(`an event from ${start} to ${end} at ${atMs}`);
          const record = decoder.decode(buffer, start, end, atMs);
          if (record !== undefined && !Number.isInteger(record.tid))
            throw new Error(`the thread ${record.tid}`);
        });
        if (count > input.length / MIN_EVENT_LENGTH)
          throw new Error(`${count} events in ${input.length} bytes`);
        return count > 0 ? 'accepted' : 'refused';
      },
    };
  },
};
