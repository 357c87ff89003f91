/** Topics of the checks, in the order of the output. Do not change a name: scripts read it in the JSON output. */
export const TOPICS = [
  'netpane',
  'system',
  'user',
  'capabilities',
  'container',
  'user namespace',
  'pid namespace',
  'koffi',
  'source',
  'TCP and UDP',
  'close messages',
  'close sockets',
  'names',
  'ledger',
  'trace',
  'coverage',
  'owners',
  'namespaces',
  'notice',
  'packages',
  'landlock',
  'confinement',
  'terminal',
  'size',
  'colours',
  'UTF-8',
  'multiplexer',
  'mouse',
  'paste',
  'open files',
  'memory',
  'configuration',
  'saved state',
  'countries',
] as const;
export type Topic = (typeof TOPICS)[number];

/** One finding of `netpane doctor`. */
export interface Check {
  readonly topic: Topic;
  /** `info` is neither good nor bad. */
  readonly state: 'ok' | 'missing' | 'info';
  /** The finding, or the missing thing and why. */
  readonly text: string;
  /** The remedy; absent if nothing helps, or the text says it. */
  readonly remedy?: string;
}

export const ok = (topic: Topic, text: string): Check => ({ topic, state: 'ok', text });
export const info = (topic: Topic, text: string): Check => ({ topic, state: 'info', text });
export const missing = (topic: Topic, text: string, remedy?: string): Check => ({
  topic,
  state: 'missing',
  text,
  ...(remedy !== undefined && { remedy }),
});

/** Returns an `ok` check with the text if `found` is true; else a `missing` one, whose text is the reason in `found`. */
export const okOr = (topic: Topic, found: true | string, text: string, remedy?: string): Check =>
  found === true ? ok(topic, text) : missing(topic, found, remedy);
