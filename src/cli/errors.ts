import { codeOf, SOURCE_FAILED } from '../model/error.ts';

/** Returns the message of an error, for the user. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** An error whose message is enough for the user: it is shown without a stack. */
export class PlainError extends Error {}

/** Messages about a lack of resources, with the remedy, by error code of the system or of Node. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: 'too many open files: raise the limit (ulimit -n 1024)',
  ENFILE: 'too many open files on this machine: raise the limit (sysctl fs.file-max)',
  ENOMEM: 'out of memory: stop other programs or raise the limit (ulimit -v)',
  EAGAIN: 'cannot start another thread or process: raise the limit (ulimit -u) or stop other programs',
  ERR_WORKER_OUT_OF_MEMORY: 'a thread ran out of memory: raise the limit (node --max-old-space-size)',
  ENOSPC: 'the disk is full: free some space or write elsewhere',
  EDQUOT: 'the disk quota is used up: free some space or write elsewhere',
  EFBIG: 'the file is too large: raise the limit (ulimit -f) or write elsewhere',
  EIO: 'input/output error: write elsewhere',
  EBADF: 'the file is closed',
};

/** Returns one line with the remedy if the error or its cause means a lack of resources; undefined for other errors. */
export function shortageText(error: unknown): string | undefined {
  const code = codeOf(error);
  // `Worker initialization failure: EAGAIN`
  const cause = code === 'ERR_WORKER_INIT_FAILED' ? messageOf(error).split(' ').at(-1) : undefined;
  const text = SHORTAGES[cause ?? code];
  if (text !== undefined) return `${text} (${messageOf(error).split('\n', 1)[0]})`;
  return error instanceof Error && error.cause !== undefined ? shortageText(error.cause) : undefined;
}

/** Returns the message for an error that ends the program; with the stack if it is a bug in netpane. */
export function crashText(error: unknown): string {
  if (error instanceof PlainError) return error.message;
  const shortage = shortageText(error);
  if (shortage !== undefined) return shortage;
  if (codeOf(error) === SOURCE_FAILED) return messageOf(error);
  return `unexpected error:\n${error instanceof Error ? error.stack : String(error)}`;
}
