// A reporter of vitest: writes what failed, and why, to the file NETPANE_FAILURES. The JSON reporter of vitest leaves out a failed
// `beforeAll` of a describe, and errors outside of tests.
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

type Errors = readonly Pick<SerializedError, 'stack' | 'message'>[];

/** Returns a text for each error, without the calls inside packages. */
const textsOf = (where: string, errors: Errors = []): string[] =>
  errors.map(({ stack, message }) => {
    const why = (stack ?? message).replaceAll(/\n +at .*\/node_modules\/.*/g, '');
    return `${where}\n${why}\n`;
  });

function failuresIn(file: TestModule): string[] {
  const { children, relativeModuleId: path } = file;
  const describes = [...children.allSuites()].flatMap((it) =>
    textsOf(`${path} > ${it.fullName}`, it.errors()),
  );
  const tests = [...children.allTests('failed')].flatMap((it) =>
    textsOf(`${path} > ${it.fullName}`, it.result().errors),
  );
  return [...textsOf(path, file.errors()), ...describes, ...tests];
}

export default class Failures implements Reporter {
  onTestRunEnd(files: readonly TestModule[], otherErrors: readonly SerializedError[]): void {
    const all = [...files.flatMap(failuresIn), ...textsOf('outside of tests', otherErrors)];
    writeFileSync(process.env['NETPANE_FAILURES'] ?? '', all.join('\n'));
  }
}
