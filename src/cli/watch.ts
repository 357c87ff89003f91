import type { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { eventJson, type Gap } from '../export/json.ts';
import { boundsFor } from '../model/bounds.ts';
import { printable } from '../model/text.ts';
import { HeapTuner } from '../sampler/churn.ts';
import { openSampler } from '../sampler/open.ts';
import { eventText } from '../view/events.ts';
import { countText, preciseClockText } from '../view/format.ts';
import { slipText, slowText } from '../view/query-notices.ts';
import { crashText, messageOf, shortageText } from './errors.ts';
import { resolveHosts } from './hosts.ts';
import { writeLocalText } from './locale.ts';
import { memoryLimit } from './memory.ts';
import { Notices } from './notices.ts';
import { finish, type Link } from './link.ts';
import type { Invocation } from './options.ts';
import { type EventFormat, EventPrinter } from './printer.ts';
import { say } from './say.ts';
import { isReaderGone, openStdout, stdoutErrorText } from './stdout.ts';
import { EventFilter } from './event-filter.ts';

/** Maximum time for the reader of stdout to read the last output, milliseconds. */
const PATIENCE_MS = 5000;

const JSON_LINES: EventFormat = { event: eventJson, unprinted: eventJson };

const TEXT_LINES: EventFormat = {
  event: eventText,
  unprinted: ({ atMs, missed }: Gap) =>
    `${preciseClockText(atMs)} ! ${missed === undefined ? 'some' : countText(missed)} ${missed === 1 ? 'event' : 'events'} not printed: stdout is read too slowly`,
};

/**
 * `netpane watch`: prints events as they happen, and notices to stderr, until the keeper ends it or stdout loses its
 * reader. Before it ends, it closes the source and prints all pending events.
 * @param out stdout
 * @throws Error, for the user, if no source works
 */
export async function watch(
  { json, query, ...how }: Invocation,
  link: Link,
  out: Writable = openStdout(),
): Promise<void> {
  // Listens from the start: an open source must be closed, because it may have created objects in the kernel.
  const endRequest = new Promise<void>((resolve) => link.on('end', () => resolve()));
  const filter = new EventFilter(query, await resolveHosts(query.hosts), (regex) =>
    say(printable(slowText(regex))),
  );
  const slip = slipText(query);
  if (slip !== undefined) say(printable(slip));
  const printer = new EventPrinter(
    json ? out : writeLocalText(out, process.env),
    json ? JSON_LINES : TEXT_LINES,
    (event) => filter.matches(event),
  );
  const bounds = boundsFor(memoryLimit());
  const notices = new Notices((text) => say(printable(text)));
  const heapTuner = new HeapTuner();
  const sampler = await openSampler(
    { ...how, tcpDetails: json, bounds },
    {
      onBatch: (batch) => {
        heapTuner.note(batch);
        filter.take(batch);
        notices.take(batch);
      },
      onEvents: (events) => printer.print(events),
      progress: link.progress,
      onError: (error) => end(1, shortageText(error) ?? messageOf(error)),
    },
  );

  let [isEnding, exitCode] = [false, 0];
  const lines: string[] = [];
  const end = (code: 0 | 1, message?: string): void => {
    // Reports only the first of many failed writes, also one that fails during a normal end.
    if (isEnding && code <= exitCode) return;
    if (message !== undefined) lines.push(message);
    exitCode = code;
    if (isEnding) return;
    isEnding = true;
    link.post({ type: 'ending', patienceMs: 2 * PATIENCE_MS });
    setTimeout(() => {
      lines.push(`the last output is lost: nothing read it within ${PATIENCE_MS / 1000} s`);
      finish(link, 1, lines);
    }, PATIENCE_MS);
    sampler.stop();
    // setImmediate: the error event of a failed write comes first.
    printer.end(() => setImmediate(() => finish(link, exitCode, lines)));
  };
  process.on('uncaughtException', (error) => end(1, crashText(error)));
  out.on('error', (error: NodeJS.ErrnoException) => {
    // The reader is gone (`netpane watch | head`), or the terminal is (EIO).
    if (isReaderGone(error) || (error.code === 'EIO' && out instanceof WriteStream)) end(0);
    else end(1, stdoutErrorText(error));
  });
  void endRequest.then(() => end(0));
  sampler.start();
}
