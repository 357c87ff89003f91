import { Cache } from '../../../model/cache.ts';
import { isNetpane } from '../proc/netpane.ts';
import type { Proc } from '../proc/proc.ts';

/** Maximum number of processes for which the answer of `has` is kept. */
const MAX_KNOWN = 1000;

/** Maximum number of descriptors checked of a process. The lowest suffice: netpane opens its ledger at its start. */
const MAX_DESCRIPTORS = 256;

/** Link of a descriptor that attaches a BPF program (kernel/bpf/syscall.c, bpf_link_prime; its name has changed). */
const ATTACHED = /^anon_inode:\[?bpf[_-]link\]?$/;

/** The digest of the instructions of an attached program (bpf_link_show_fdinfo). */
const TAG = /^prog_tag:\s*([0-9a-f]+)$/m;

/**
 * Finds the processes that keep a ledger: this netpane, and others of the same version. Each has a descriptor of an
 * attached program with the instructions of the ledger.
 */
export class LedgerProcesses {
  readonly #proc: Pick<Proc, 'names' | 'link' | 'latin1'>;
  readonly #own: readonly number[];
  #tags: ReadonlySet<string> | undefined;
  readonly #known = new Cache<number, { readonly signature: string; readonly keepsLedger: boolean }>(
    MAX_KNOWN,
  );

  /** @param own descriptors of this netpane's ledger */
  constructor(proc: Pick<Proc, 'names' | 'link' | 'latin1'>, own: readonly number[]) {
    this.#proc = proc;
    this.#own = own;
  }

  /**
   * Returns true if a process keeps a ledger; false also if it has ended, or if its descriptors cannot be read.
   * @param signatureOf returns a text that changes when the process runs another program; a process with an equal text is
   *   not checked again
   */
  has(pid: number, signatureOf: (pid: number) => string | undefined): boolean {
    if (isNetpane(pid)) return true;
    const signature = signatureOf(pid);
    const known = this.#known.get(pid);
    if (known !== undefined && known.signature === signature) return known.keepsLedger;
    const keepsLedger = this.#hasProgram(pid);
    if (signature !== undefined) this.#known.set(pid, { signature, keepsLedger });
    return keepsLedger;
  }

  #hasProgram(pid: number): boolean {
    this.#tags ??= new Set(this.#own.flatMap((descriptor) => this.#tagOf('self', descriptor) ?? []));
    const tags = this.#tags;
    const names = this.#proc.names(`${pid}/fd`);
    if (tags.size === 0 || !('value' in names)) return false;
    const lowest = names.value.map(Number).sort((a, b) => a - b);
    return lowest.slice(0, MAX_DESCRIPTORS).some((descriptor) => {
      const link = this.#proc.link(`${pid}/fd/${descriptor}`);
      if (!('value' in link) || !ATTACHED.test(link.value)) return false;
      const tag = this.#tagOf(pid, descriptor);
      return tag !== undefined && tags.has(tag);
    });
  }

  #tagOf(pid: number | 'self', descriptor: number): string | undefined {
    const text = this.#proc.latin1(`${pid}/fdinfo/${descriptor}`);
    return 'value' in text ? TAG.exec(text.value)?.[1] : undefined;
  }
}
