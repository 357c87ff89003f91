import { expect, test, vi } from 'vitest';
import { tput } from '../../src/tui/blessed.ts';
import { withLazyTerminfo } from '../../src/tui/lazy-terminfo.ts';

type Capability = (...parameters: number[]) => string;

// As `openScreen` does: blessed reads the terminfo that it brings.
tput.ipaths.splice(0, tput.ipaths.length);

const xterm = () => tput({ terminal: 'xterm-256color' });

test('each capability returns the same as one that is compiled when the terminal is opened', () => {
  const eager = xterm();
  const lazy = withLazyTerminfo(xterm);
  const names = Object.keys(eager.strings);
  expect(names.length).toBeGreaterThan(150);
  for (const terminal of [eager, lazy]) expect(terminal.strings).toEqual(eager.strings);
  const output = (terminal: typeof eager, name: string, parameter: number): string => {
    try {
      return (terminal[name] as Capability)(parameter, 7, 0, 1, 0, 0, 0, 0, 0);
    } catch (error) {
      // One capability, with hexadecimal numbers, fails in blessed either way; netpane does not use it.
      return String(error);
    }
  };
  const outputs = (terminal: typeof eager) =>
    names.map((name) => [name, output(terminal, name, 1), output(terminal, name, 2)]);
  expect(outputs(lazy)).toEqual(outputs(eager));
});

test('no capability is compiled before its first use, and each only once', () => {
  const compile = vi.spyOn(tput.prototype, '_compile');
  const compiled = () => compile.mock.calls.filter(([, , text]) => typeof text === 'string' && text !== '');
  const terminal = withLazyTerminfo(xterm);
  expect(compiled()).toEqual([]);
  const cup = terminal['cursor_address'] as Capability;
  expect([cup(3, 4), cup(0, 0)]).toEqual(['\x1b[4;5H', '\x1b[1;1H']);
  expect(compiled().map(([, name]) => name)).toEqual(['cursor_address']);
});

test('a terminal that is opened without withLazyTerminfo compiles all capabilities at once', () => {
  withLazyTerminfo(xterm);
  const compile = vi.spyOn(tput.prototype, '_compile');
  xterm();
  expect(compile.mock.calls.some(([, name]) => name === 'cursor_address')).toBe(true);
});
