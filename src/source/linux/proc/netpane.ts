/**
 * Returns true for this netpane itself. To find namespaces it copies descriptors of other processes for a moment
 * (`Native.networkOfSocket`). If that process closes its descriptor meanwhile, netpane closes the socket with its copy, but is
 * not an owner of the socket.
 */
export const isNetpane = (pid: number | undefined): boolean => pid === process.pid;
