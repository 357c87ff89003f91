/** An object that is being made: its fields can be set. */
export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };
