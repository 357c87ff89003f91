import { eventJson, type Gap } from '../export/json.ts';
import { boundsFor } from '../model/bounds.ts';
import { printable } from '../model/text.ts';
import { Thrift } from '../sampler/churn.ts';
import { openSampler } from '../sampler/open.ts';
import { eventText } from '../view/events.ts';
import { countText, preciseClockText } from '../view/format.ts';
import { slowText } from '../view/notices.ts';
import { crashText, messageOf } from './errors.ts';
import { resolveHosts } from './hosts.ts';
import { memoryLimit } from './memory.ts';
import { Notices } from './notices.ts';
import type { Invocation } from './options.ts';
import { type EventFormat, EventPrinter } from './printer.ts';
import { WantedEvents } from './wanted.ts';

/** Signals by which one ends it: that is no failure. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** When it has ended, whoever reads has so long to take what is left, milliseconds. */
const PATIENCE_MS = 5000;

const JSON_LINES: EventFormat = { event: eventJson, unprinted: eventJson };

const TEXT_LINES: EventFormat = {
  event: eventText,
  unprinted: ({ atMs, missed }: Gap) =>
    `${preciseClockText(atMs)} ! ${missed === undefined ? 'some' : countText(missed)} ${missed === 1 ? 'event' : 'events'} not printed: more came than was read`,
};

const say = (text: string): void => void process.stderr.write(`netpane: ${text}\n`);

/**
 * `netpane watch`: prints every event as it happens, and on stderr what cannot be seen, until a signal comes or nobody
 * reads any more. However it ends, the source is closed, and all that is known is printed first.
 * @throws Error, in words, when there is no source that works
 */
export async function watch({ json, query, ...how }: Invocation): Promise<void> {
  // Heard from the start: a source that is open has to be closed, for it may have made something in the kernel.
  const signalled = new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve());
  });
  const wanted = new WantedEvents(query, await resolveHosts(query.hosts), (regex) =>
    say(printable(slowText(regex))),
  );
  const printer = new EventPrinter(process.stdout, json ? JSON_LINES : TEXT_LINES, (event) =>
    wanted.has(event),
  );
  const bounds = boundsFor(memoryLimit());
  const notices = new Notices((text) => say(printable(text)));
  const thrift = new Thrift();
  const sampler = await openSampler(
    { ...how, tcpDetails: json, bounds },
    {
      onBatch: (batch) => {
        thrift.note(batch);
        wanted.take(batch);
        notices.take(batch);
      },
      onEvents: (events) => printer.print(events),
      onError: (error) => end(1, messageOf(error)),
    },
  );

  let [isEnding, exitCode] = [false, 0];
  const end = (code: 0 | 1, message?: string): void => {
    // Of many writes that fail, one is told; and one that fails at the end is told too.
    if (isEnding && code <= exitCode) return;
    if (message !== undefined) say(message);
    exitCode = code;
    if (isEnding) return;
    isEnding = true;
    setTimeout(() => {
      say(`what was printed last is lost: nobody read it within ${PATIENCE_MS / 1000} s`);
      process.exit(1);
    }, PATIENCE_MS);
    sampler.stop();
    // A write that failed is told first.
    printer.end(() => setImmediate(() => process.exit(exitCode)));
  };
  process.on('uncaughtException', (error) => end(1, crashText(error)));
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error').on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read has gone (`netpane watch | head`), or the terminal has (EIO).
      if (error.code === 'EPIPE' || error.code === 'EIO') end(0);
      else end(1, `what happens cannot be printed: ${error.message}`);
    });
  }
  void signalled.then(() => end(0));
  sampler.start();
}
