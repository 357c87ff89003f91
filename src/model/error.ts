/** The code of an error that means: the sockets of this machine cannot be read. */
export const SOURCE_FAILED = 'SOURCE_FAILED';

/** Returns the code of a system error, such as `ENOENT`; an empty text for any other error. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
