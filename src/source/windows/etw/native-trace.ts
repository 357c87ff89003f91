import { type StartConsumer, startConsumer } from '../../consumer-thread.ts';
import type { Koffi } from '../../koffi.ts';
import { type Call, loaderOf, wideText } from '../native-library.ts';
import type { TraceCalls } from './calls.ts';
import {
  EVENT_CONTROL_CODE_ENABLE_PROVIDER,
  KERNEL_NETWORK,
  NETWORK_KEYWORDS,
  TRACE_LEVEL_INFORMATION,
} from './layout.ts';
import type { EventRing } from './ring.ts';

/** The library with the calls of sessions. */
const TRACE_LIBRARY = 'advapi32';

/** The calls of Windows about sessions of events, through koffi. */
export class NativeTrace implements TraceCalls {
  readonly #koffi: Koffi;
  readonly #library: string;
  readonly #start: Call;
  readonly #enable: Call;
  readonly #control: Call;
  readonly #list: Call;

  readonly #startConsumer: StartConsumer;
  readonly #script: URL;

  /**
   * Throws if the library lacks a function.
   * @param start starts the consumer thread
   * @param library replaces that of Windows in tests
   * @param script that of the consumer thread
   */
  constructor(
    koffi: Koffi,
    start = startConsumer,
    library = TRACE_LIBRARY,
    script = new URL('./consumer.js', import.meta.url),
  ) {
    this.#koffi = koffi;
    this.#startConsumer = start;
    this.#library = library;
    this.#script = script;
    const load = loaderOf(koffi, library);
    this.#start = load('uint32 StartTraceW(void *, void *, void *)');
    this.#enable = load(
      'uint32 EnableTraceEx2(uint64, void *, uint32, uint8, uint64, uint64, uint32, void *)',
    );
    this.#control = load('uint32 ControlTraceW(uint64, void *, void *, uint32)');
    this.#list = load('uint32 QueryAllTracesW(void *, uint32, void *)');
  }

  start(name: string, properties: Uint8Array, handle: BigUint64Array): number {
    return this.#start(handle, wideText(name), properties);
  }

  enable(handle: bigint): number {
    const provider = Uint32Array.from(KERNEL_NETWORK);
    const [code, level] = [EVENT_CONTROL_CODE_ENABLE_PROVIDER, TRACE_LEVEL_INFORMATION];
    return this.#enable(handle, provider, code, level, NETWORK_KEYWORDS, 0n, 0, null);
  }

  control(which: bigint | string, properties: Uint8Array, code: number): number {
    return typeof which === 'string'
      ? this.#control(0n, wideText(which), properties, code)
      : this.#control(which, null, properties, code);
  }

  list(into: readonly Uint8Array[], count: Uint32Array): number {
    const addresses = BigUint64Array.from(into, (properties) => this.#koffi.address(properties));
    return this.#list(addresses, into.length, count);
  }

  startConsumer(name: string, ring: EventRing): void {
    const [script, library] = [this.#script.href, this.#library];
    this.#startConsumer({ script, name, memory: ring.memory, library });
  }
}
