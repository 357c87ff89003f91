/** By source: what it lacks on Windows compared with the one before it, a clause. */
export const LACKS = {
  systeminformation: 'polls take much longer, and traffic, services and the age of sockets are not shown',
} as const;
