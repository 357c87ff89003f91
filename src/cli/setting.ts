import type { Schema, Schemas } from './config/schema.ts';
import type { Option } from './option.ts';
import type { Value } from './values.ts';

/**
 * A value as the configuration file writes it. `absent` describes a value that is set by leaving out the key; `tables`
 * are written as one `[[key]]` each, and `table` as one `[key]`.
 */
export type Written =
  | string
  | number
  | boolean
  | readonly string[]
  | { readonly absent: string }
  | { readonly tables: readonly object[] }
  | { readonly table: object };

/** The option that gives a setting on the command line. */
interface SettingOption<T> extends Omit<Option, 'group'> {
  /** Name without the dashes. */
  readonly name: string;
  readonly value: string;
  /** Parses the value. */
  readonly parse: Value<T>;
}

/** All that belongs to a setting. */
export interface Setting<T> {
  /** Key in the configuration file. */
  readonly key: string;
  readonly initial: T;
  /** Absent if the setting is only in the file. */
  readonly option?: SettingOption<T>;
  /** Returns the schema of the value in the file. It is called only if there is a file. */
  readonly schema: (schemas: Schemas) => Schema<T>;
  /** Returns the value for `netpane config`. */
  readonly print: (value: T) => Written;
}
