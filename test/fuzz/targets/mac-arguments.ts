import { parseArguments } from '../../../src/source/macos/native/processes.ts';
import { bytesSession } from '../bytes-session.ts';
import type { Target } from '../target.ts';

/** Arguments of a process: their number, the path of the program, then each argument and variable with a NUL. */
const ARGUMENTS = [
  '\x03\0\0\0/bin/sh\0\0\0\0\0sh\0-c\0exit\0HOME=/\0',
  '\x01\0\0\0/usr/sbin/größe\0größe\0',
  '\x02\0\0\0/bin/x\0x\0',
].map((text) => Buffer.from(text));

/** Maximum length of a command line with the mark that it was cut, characters. */
const MAX_LENGTH = 8193;

export const macArguments: Target = {
  about: 'arguments of a process of macOS (KERN_PROCARGS2): their parser',
  inputsPerSession: 100,
  suiteRuns: 10_000,
  open: (random) => {
    return bytesSession(random, ARGUMENTS, (input) => {
      const command = parseArguments(input);
      if (command === undefined) return 'refused';
      if (command.length > MAX_LENGTH || command.length > input.length)
        throw new Error(`a command line of ${command.length} characters from ${input.length} bytes`);
      return 'accepted';
    });
  },
};
