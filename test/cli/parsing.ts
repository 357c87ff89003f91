import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';

/** Returns what a command line means; words are separated by spaces. */
export const parse = (args: string, environment: Record<string, string> = {}) =>
  invocationOf(parseCommandLine(args.split(' ').filter(Boolean)), environment);
