/**
 * Returns true for this netpane itself. To find namespaces it copies sockets of other processes for a moment
 * (`Native.networkOfSocket`). If their process closes its own meanwhile, the close of the copy is the last one.
 */
export const isNetpane = (pid: number | undefined): boolean => pid === process.pid;
