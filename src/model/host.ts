/** Stable id of a host whose sockets are shown. Never shown itself. */
export type HostId = string;

/** The host that netpane runs on. */
export const LOCAL_HOST: HostId = 'local';

/**
 * Returns the id of a socket that is unique across hosts. Sources make ids that are unique on their host only. Ids of
 * the local host stay as they are.
 */
export const socketIdOn = (host: HostId, id: string): string => (host === LOCAL_HOST ? id : `${host}/${id}`);
