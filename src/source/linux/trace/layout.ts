import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import type { Field } from './format.ts';

/** Finds the fields of an event. A missing field, or one of unexpected length, makes the layout unusable. */
export class Layout {
  isUsable = true;
  /** Minimum length of an event, bytes. */
  length = 0;
  readonly #fields: ReadonlyMap<string, Field>;

  constructor(fields: ReadonlyMap<string, Field>) {
    this.#fields = fields;
  }

  /** Returns true if the event has the field. */
  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /** Returns the place of a field. @param sizes its possible lengths, bytes */
  field(name: string, ...sizes: readonly number[]): Field {
    const field = this.#fields.get(name);
    if (field === undefined || !sizes.includes(field.size)) {
      this.isUsable = false;
      return { offset: 0, size: 0 };
    }
    this.length = Math.max(this.length, field.offset + field.size);
    return field;
  }

  /** Returns the offset of a field, bytes. @param sizes its possible lengths, bytes */
  offsetOf(name: string, ...sizes: readonly number[]): number {
    return this.field(name, ...sizes).offset;
  }

  /** Returns the offset of the low 32 bits of a long, bytes. */
  lowWordOffset(name: string): number {
    const { offset, size } = this.field(name, 4, 8);
    return LITTLE_ENDIAN ? offset : offset + size - 4;
  }

  /** Returns a function that reads the low 48 bits of a pointer. */
  pointerReader(name: string): (view: DataView, start: number) => number {
    const { size, offset } = this.field(name, 4, 8);
    const low = this.lowWordOffset(name);
    if (size !== 8) return (view, start) => view.getUint32(start + low, LITTLE_ENDIAN);
    const high = LITTLE_ENDIAN ? offset + 4 : offset + 2;
    return (view, start) =>
      view.getUint32(start + low, LITTLE_ENDIAN) + view.getUint16(start + high, LITTLE_ENDIAN) * 2 ** 32;
  }

  /** Returns the offsets of the fields about the running thread, which every event has. */
  runnerOffsets(): { readonly flags: number; readonly tid: number } {
    return { flags: this.offsetOf('common_flags', 1), tid: this.offsetOf('common_pid', 4) };
  }
}
