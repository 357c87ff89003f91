import * as v from 'valibot';
import { isAbsolute } from 'node:path';
import { shortened } from '../../model/text.ts';
import type { ColumnChoice } from '../../store/columns.ts';
import type { View } from '../../store/state.ts';
import { nameValue, quoted, suggestionFor, type Value } from '../values.ts';
import type { OnRule } from '../on/rule.ts';
import type { KeyChanges } from '../../tui/keymap.ts';
import { parseKeys } from './keys.ts';
import { columnValue, groupValue, sortValue, viewName } from '../view-values.ts';

/** Returns the mistake in a query, starting with its column ("at column 6: …"); undefined if there is none. */
export type CheckQuery = (text: string) => string | undefined;

/** Schema of a key, from an unknown value in the file to the value of the setting. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** Maximum length of a quoted text in a message, UTF-16 units; short, because a file may have many mistakes. */
const MAX_QUOTED = 61;

/** Returns a value of the file for a message. */
function valueText(found: unknown): string {
  if (typeof found === 'string') return quoted(shortened(found, MAX_QUOTED));
  if (Array.isArray(found)) return 'a list';
  if (found instanceof Date) return 'a date';
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : 'a table';
}

const takes = (expected: string, found: unknown): string => `takes ${expected}, not ${valueText(found)}`;

/** Returns a function that returns the message for a value of the wrong type. */
const instead =
  (expected: string) =>
  ({ input }: { readonly input: unknown }): string =>
    takes(expected, input);

/** Returns a schema that parses a value of TOML as the command line does. @param kind schema of its type in TOML */
const read = <T>(kind: Schema<string | number>, value: Value<T>): Schema<T> =>
  v.pipe(
    kind,
    v.rawTransform(({ dataset: { value: given }, addIssue, NEVER }) => {
      const meaning = value.read(String(given));
      if (meaning !== undefined) return meaning;
      addIssue({ message: takes(value.expected, given) + suggestionFor(value, String(given)) });
      return NEVER;
    }),
  );

const text = <T>(value: Value<T>): Schema<T> => read(v.string(instead(value.expected)), value);
const number = <T>(value: Value<T>): Schema<T> => read(v.number(instead(value.expected)), value);
const numberOrText = <T>(value: Value<T>): Schema<T> =>
  read(v.union([v.string(), v.number()], instead(value.expected)), value);

const yesOrNo = v.boolean(instead('true or false'));

/** Returns a check that rejects items with the same name. @param nameOf returns the name of an item, if it has one */
const distinct = <T>(nameOf: (item: Partial<T>) => unknown) =>
  v.rawCheck<T[]>(({ dataset, addIssue }) => {
    // This check runs even if another one has failed, so an item may have any type.
    if (!Array.isArray(dataset.value)) return;
    const seen = new Set<unknown>();
    const items: readonly unknown[] = dataset.value;
    for (const [key, item] of items.entries()) {
      const name = typeof item === 'object' && item !== null ? nameOf(item) : undefined;
      if (typeof name === 'string' && seen.has(name))
        addIssue({
          message: `contains ${valueText(name)} twice`,
          path: [{ type: 'array', origin: 'value', input: dataset.value, key, value: item }],
        });
      seen.add(name);
    }
  });

const sort = text(sortValue);

const group = v.pipe(
  text(groupValue),
  v.transform((name) => (name === 'none' ? null : name)),
);

const columns: Schema<readonly ColumnChoice[]> = v.pipe(
  v.array(text(columnValue), instead('a list of columns')),
  v.minLength(1, 'takes a list of columns, not an empty list'),
  distinct<ColumnChoice>(({ id }) => id),
);

/** Schema of a list of absolute paths of files. */
const files: Schema<readonly string[]> = v.array(
  v.pipe(
    v.string(instead('an absolute path')),
    v.check(
      (path) => isAbsolute(path) && !path.includes('\0'),
      ({ input }) => takes('an absolute path', input),
    ),
  ),
  instead('a list of absolute paths'),
);

/** Returns the schema of a list of these names. The value has each name once, in the order of `names`. */
const list = <T extends string>(names: readonly T[], expected: string): Schema<readonly T[]> =>
  v.pipe(
    v.array(text(nameValue(names)), instead(expected)),
    v.transform((given) => names.filter((it) => given.includes(it))),
  );

const isTable = (input: unknown): boolean =>
  typeof input === 'object' && input !== null && !Array.isArray(input) && !(input instanceof Date);

const query = (check: CheckQuery): Schema<string> =>
  v.pipe(
    v.string(instead('a query')),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? check(dataset.value) : undefined;
      if (problem !== undefined) addIssue({ message: `${valueText(dataset.value)} is invalid ${problem}` });
    }),
  );

const viewSchemas = (check: CheckQuery) => ({
  name: text(viewName),
  query: v.optional(query(check)),
  columns: v.optional(columns),
  sort: v.optional(sort),
  group: v.optional(group),
});

/** Keys of a `[[view]]` table. */
export const VIEW_KEYS: readonly string[] = Object.keys(viewSchemas(() => undefined));

const views = (check: CheckQuery): Schema<readonly View[]> =>
  v.pipe(
    v.array(
      v.pipe(
        v.custom<object>(isTable, instead('tables: [[view]]')),
        v.object(viewSchemas(check), 'is missing'),
        v.transform(({ name, query = '', columns, sort, group }): View => ({
          name,
          query,
          ...(columns && { columns }),
          ...(sort && { sort }),
          ...(group && { group }),
        })),
      ),
      instead('tables: [[view]]'),
    ),
    distinct<View>(({ name }) => name),
  );

/** Maximum number of rules: each tests every event. */
const MAX_RULES = 100;

const COMMAND = 'a program and its arguments: ["/usr/local/bin/alert", "web"]';

const command: Schema<readonly string[]> = v.pipe(
  v.array(v.string(instead('a text')), instead(COMMAND)),
  v.minLength(1, `takes ${COMMAND}, not an empty list`),
  v.check(([program]) => program !== '', `takes ${COMMAND}, not an empty name`),
  v.check(
    ([program = '']) => !program.includes('/') || isAbsolute(program),
    'takes the name of a program in a directory of the system, or an absolute path',
  ),
  v.check((words) => words.every((word) => !word.includes('\0')), 'takes no text with a NUL character'),
);

const ruleSchemas = (check: CheckQuery) => ({
  query: query(check),
  command: v.optional(command),
  bell: v.optional(yesOrNo),
  notify: v.optional(yesOrNo),
});

/** Keys of an `[[on]]` table. */
export const RULE_KEYS: readonly string[] = Object.keys(ruleSchemas(() => undefined));

const onRules = (check: CheckQuery): Schema<readonly OnRule[]> =>
  v.pipe(
    v.array(
      v.pipe(
        v.custom<object>(isTable, instead('tables: [[on]]')),
        v.object(ruleSchemas(check), 'is missing'),
        v.transform(({ query, command = [], bell = false, notify = false }): OnRule => ({
          query,
          command,
          bell,
          notify,
        })),
        v.check(
          ({ command, bell, notify }) => command.length > 0 || bell || notify,
          'needs a command, bell = true or notify = true',
        ),
      ),
      instead('tables: [[on]]'),
    ),
    v.maxLength(MAX_RULES, `takes at most ${MAX_RULES} tables`),
  );

/** Schema of the table of keys. The path of an issue has the id of the action, and the index of the key in its text. */
const keys: Schema<KeyChanges> = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isTable, instead('a table: [keys]')),
  v.rawTransform(({ dataset: { value: table }, addIssue }) => {
    const { changes, mistakes } = parseKeys(table);
    for (const { id, at, text: message } of mistakes) {
      const part = (key: string | number) =>
        ({ type: 'unknown', origin: 'value', input: table, key, value: '' }) as const;
      addIssue({ message, path: [part(id), ...(at === undefined ? [] : [part(at)])] });
    }
    return changes;
  }),
);

/**
 * Returns the schemas that the table of settings chooses from.
 * @param check returns the mistake in a query
 */
export const schemas = (check: CheckQuery) => ({
  text,
  number,
  numberOrText,
  yesOrNo,
  list,
  sort,
  group,
  columns,
  files,
  query: query(check),
  views: views(check),
  onRules: onRules(check),
  keys,
});

export type Schemas = ReturnType<typeof schemas>;
