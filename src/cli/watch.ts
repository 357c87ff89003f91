import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';
import { type Format, formatRow } from '../export/formats.ts';
import type { Gap } from '../export/json.ts';
import { boundsFor } from '../model/bounds.ts';
import { printable } from '../model/text.ts';
import { HeapTuner } from '../sampler/heap.ts';
import { openSampler } from '../sampler/open.ts';
import { confineThread } from '../source/confine.ts';
import { eventText } from '../view/panes/events.ts';
import { countText, preciseClockText } from '../view/text/format.ts';
import { misspellingText, slowText } from '../view/text/query-notices.ts';
import type { Account } from './config/account.ts';
import { crashText, messageOf, shortageText } from './errors.ts';
import { geoFilesOf, lookupsFor } from './geo/lookups.ts';
import { writeLocalText } from './locale.ts';
import { memoryLimit } from './memory.ts';
import { Notices } from './notices.ts';
import { finish, type Link } from './link.ts';
import type { Invocation } from './invocation.ts';
import { type OnReport, OnRules, readRules } from './on/rules.ts';
import { type EventFormat, EventPrinter } from './printer.ts';
import { say } from './say.ts';
import { isReaderGone, openStdout, stdoutErrorText } from './stdout.ts';
import { EventFilter } from './event-filter.ts';

/** Maximum time that the last output waits for the reader of stdout. */
const LAST_OUTPUT_MS = 5000;

const unprintedText = ({ atMs, missed }: Gap): string =>
  `${preciseClockText(atMs)} ! ${missed === undefined ? 'some' : countText(missed)} ${missed === 1 ? 'event' : 'events'} not printed: stdout is read too slowly`;

const linesOf = <T>(items: readonly T[], textOf: (item: T) => string): string =>
  items.map((item) => `${textOf(item)}\n`).join('');

const textLines = (filter: EventFilter): EventFormat => ({
  events: (events) =>
    linesOf(events, (event) =>
      eventText(event, event.type === 'gap' ? undefined : filter.directionOf(event)),
    ),
  unprinted: (gaps) => linesOf(gaps, unprintedText),
});

/** Prints the errors of a rule to stderr, and rings its bell. Matches are not printed: stdout has the events. */
function showReport({ text, isError, bell }: OnReport): void {
  if (isError) say(text);
  if (bell && isatty(2)) writeSync(2, '\x07');
}

/**
 * Runs `netpane watch`: prints events to stdout as they happen, and notices to stderr. Ends if the keeper (the main
 * thread) asks for it or stdout loses its reader. Before it ends, it closes the source and prints all pending events.
 * @param account the account that commands of the configuration file run as
 * @param out stdout
 * @throws Error, for the user, if no source works
 */
export async function watch(
  { format, query, ...how }: Invocation,
  link: Link,
  account: Pick<Account, 'environment' | 'ids'>,
  out: Writable = openStdout(),
): Promise<void> {
  // A request to end, and a failure, are handled at the end of this function: once the source is open it must be closed,
  // because it may have created objects in the kernel.
  const endRequest = new Promise<void>((resolve) => link.on('end', () => resolve()));
  let fail: (error: unknown) => void = () => {};
  const failure = new Promise((resolve) => (fail = resolve));
  const complain = (text: string): void => say(printable(text));
  const files = geoFilesOf(how.geoFiles, account.environment, complain);
  const filter = new EventFilter(query, await lookupsFor(query, files), (regex) => complain(slowText(regex)));
  const rules = new OnRules(await readRules(how, account.environment, complain), {
    account,
    report: showReport,
  });
  const misspelling = misspellingText(query);
  if (misspelling !== undefined) say(printable(misspelling));
  const { eventLines, hasTcpDetails = false }: Partial<Format> = format ? formatRow(format) : {};
  const printer = new EventPrinter(
    eventLines ? out : writeLocalText(out, process.env),
    eventLines ? { events: eventLines, unprinted: eventLines } : textLines(filter),
    (event) => filter.matches(event),
  );
  const bounds = boundsFor(memoryLimit());
  const notices = new Notices((text) => say(printable(text)));
  const heapTuner = new HeapTuner(() => sampler.releaseMemory());
  const sampler = await openSampler(
    { ...how, tcpDetails: hasTcpDetails, omitsRemnants: true, bounds },
    {
      onBatch: (batch) => {
        heapTuner.note(batch);
        filter.take(batch);
        rules.take(batch);
        notices.printNew(batch);
      },
      onEvents: (events) => {
        heapTuner.noteEvents(events.length);
        filter.takeEvents(events);
        printer.print(events);
        rules.takeEvents(events);
      },
      progress: link.progress,
      onError: (error) => fail(error),
    },
  );
  // This thread also runs the commands of rules, and removes at the end what a source leaves in the kernel.
  if (rules.isEmpty && !sampler.runsPrograms && sampler.leftovers === undefined)
    await confineThread({ changesFiles: false, captures: false });

  let [isEnding, exitCode] = [false, 0];
  const messages: string[] = [];
  const end = (code: 0 | 1, message?: string): void => {
    // After a failed write all others fail too: reports only the first, also if a normal end has already begun.
    if (isEnding && code <= exitCode) return;
    if (message !== undefined) messages.push(message);
    exitCode = code;
    if (isEnding) return;
    isEnding = true;
    // The time is longer than the timeout below, which reports the lost output before the keeper ends the process.
    link.post({ type: 'ending', maxMs: 2 * LAST_OUTPUT_MS });
    setTimeout(() => {
      messages.push(`the last output is lost: nothing read it within ${LAST_OUTPUT_MS / 1000} s`);
      finish(link, 1, messages);
    }, LAST_OUTPUT_MS);
    sampler.stop();
    rules.stop();
    // A failed write calls this before its error event, which sets the exit code: setImmediate waits for the event.
    printer.end(() => setImmediate(() => finish(link, exitCode, messages)));
  };
  process.on('uncaughtException', (error) => end(1, crashText(error)));
  out.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has ended (`netpane watch | head`), or the terminal was closed (EIO).
    if (isReaderGone(error) || (error.code === 'EIO' && out instanceof WriteStream)) end(0);
    else end(1, stdoutErrorText(error));
  });
  void failure.then((error) => end(1, shortageText(error) ?? messageOf(error)));
  void endRequest.then(() => end(0));
  sampler.start();
}
