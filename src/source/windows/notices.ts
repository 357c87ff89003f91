import type { Degradation } from '../../model/batch.ts';
import { counted } from '../../model/text.ts';

const AS_ADMINISTRATOR = 'start the terminal with "Run as administrator"';

/** Returns the notice for a user who is no administrator. @param closed number of programs that netpane may not open */
export const notElevated = (closed: number): Degradation => ({
  code: 'not-elevated',
  text:
    (closed === 0 ? '' : `path, command line and user of ${counted(closed, 'program')} are hidden; `) +
    `traffic, round-trip times, connections between two polls and closing connections need an administrator: ${AS_ADMINISTRATOR}`,
  short: 'no traffic: not administrator',
});

/** Returns a notice for administrators. @param closed number of programs with sockets that Windows protects even from them */
export const protectedPrograms = (closed: number): Degradation => ({
  code: 'programs-protected',
  text: `path, command line and user of ${counted(closed, 'program')} are hidden: Windows protects them from administrators too`,
  short: `${counted(closed, 'program')} protected`,
});

/** Returns the notice that the sockets of an earlier poll are shown. @param why a clause */
export const stale = (why: string): Degradation => ({
  code: 'stale',
  text: `the sockets could not be read, the previous ones are shown: ${why}`,
  short: 'stale: cannot read the tables',
});

/** Returns the notice about an unreadable process list. @param why it could not be read, a clause */
export const processesUnread = (why: string): Degradation => ({
  code: 'no-processes',
  text: `${why}: programs of new sockets are shown once it can be read`,
  short: 'no processes',
});

/** Returns the notice about missing services. @param why they could not be listed, a clause */
export const servicesUnread = (why: string): Degradation => ({
  code: 'no-services',
  text: `${why}: svchost.exe is shown without its services`,
  short: 'no services',
});

/** Returns the notice about sockets that Windows counts but does not return. */
export const missingRows = (count: number): Degradation => ({
  code: 'missing-rows',
  text: `Windows counts ${counted(count, 'socket')} more than it returns: these are not shown`,
  short: `${counted(count, 'socket')} not shown`,
});

/** Returns the notice about connections in a state that netpane does not know. */
export const unknownStates = (count: number): Degradation => ({
  code: 'unreadable-states',
  text: `Windows reports a state that netpane does not know for ${counted(count, 'connection')}`,
  short: counted(count, 'state unknown', 'states unknown'),
});

/** Returns a notice for administrators. @param error with which Windows refuses */
export const statisticsRefused = (error: number): Degradation => ({
  code: 'statistics-refused',
  text: `traffic and round-trip times are not shown: Windows refuses to count them with error ${error}`,
  short: 'no traffic',
});

/** Returns a notice for administrators. @param why there are no events of connections, a clause */
export const noEvents = (why: string): Degradation => ({
  code: 'no-events',
  text: `connections between two polls and the traffic of UDP are not seen: ${why}`,
  short: 'polls only',
});

export const TRAFFIC_IN_TURN: Degradation = {
  code: 'traffic-in-turn',
  text: 'there are too many connections to read the traffic of each in every poll: they are read in turn',
  short: 'traffic in turn',
};
