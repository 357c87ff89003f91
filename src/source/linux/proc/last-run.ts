/** Remembers the CPU time of a process (`Proc.cpuNsOf`), which changes whenever the process runs. */
export class LastRun {
  #cpuNs: number | undefined;

  /**
   * Returns true if the process has not run since the last call with its CPU time. Call it before the process is read, so that a
   * run during the read counts as one after it.
   * @param cpuNs undefined if unknown: then it may have run
   */
  hasSlept(cpuNs: number | undefined): boolean {
    const isSame = cpuNs !== undefined && cpuNs === this.#cpuNs;
    this.#cpuNs = cpuNs;
    return isSame;
  }

  /** Makes the next call return false. */
  forget(): void {
    this.#cpuNs = undefined;
  }
}
