import { type Koffi, loadKoffi, needed } from '../../koffi.ts';
import { insideGate } from '../../native-gate.ts';
import { NativeError } from './errno.ts';

/** A function of the library. `async` runs it on another thread, with a callback as the last argument. */
export type Call = ((...args: readonly unknown[]) => number) & {
  readonly async: (...args: readonly unknown[]) => void;
};

/** Memory at a fixed address, zeroed, until `CLibrary.free`. */
export interface NativeMemory {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Its name in koffi. */
  readonly handle: unknown;
}

/** The C library of this process, glibc or musl, called through koffi. */
export class CLibrary {
  readonly #koffi: Koffi;
  readonly #functions: ReturnType<Koffi['load']>;

  private constructor(koffi: Koffi) {
    this.#koffi = koffi;
    // The process has its C library loaded already.
    this.#functions = koffi.load(null);
  }

  /** Loads koffi. Rejects with `SourceUnavailable` if it is not installed or does not load on this system. */
  static async load(): Promise<CLibrary> {
    return loadKoffi((koffi) => new CLibrary(koffi));
  }

  /** Returns a function of the library. Throws `SourceUnavailable` if there is none. @param prototype its declaration in C */
  call(prototype: string): Call {
    return insideGate(() => needed(() => this.#functions.func(prototype) as Call));
  }

  /** Returns a function that not every C library has; undefined if there is none. @param prototype its declaration in C */
  optionalCall(prototype: string): Call | undefined {
    try {
      return this.call(prototype);
    } catch {
      return undefined;
    }
  }

  /** The errno of the last call. */
  get errno(): number {
    return this.#koffi.errno();
  }

  /** Size of a long, bytes. */
  get bytesOfLong(): number {
    return this.#koffi.sizeof('long');
  }

  /** Returns the error of the last call. @param call its name, for the message */
  error(call: string): NativeError {
    const { errno } = this;
    const name = Object.entries(this.#koffi.os.errno).find(([, number]) => number === errno)?.[0];
    return new NativeError(call, errno, name ?? `error ${errno}`);
  }

  /** Returns memory whose address can be part of a structure. */
  allocate(length: number): NativeMemory {
    const handle: unknown = this.#koffi.alloc('uint8_t', length);
    const memory = insideGate(() => this.#koffi.view(handle, length));
    const bytes = new Uint8Array(memory).fill(0);
    return { address: this.#koffi.address(handle), bytes, view: new DataView(memory), handle };
  }

  free({ handle }: NativeMemory): void {
    this.#koffi.free(handle);
  }
}
