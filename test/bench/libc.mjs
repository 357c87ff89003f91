// The calls of the C library that the processes of the benchmarks share. They block, and they throw with errno.
import koffi from 'koffi';

const library = koffi.load(null);

/** Returns a function of the C library, which throws if its result is negative. */
export const call = (prototype) => {
  const run = library.func(prototype);
  return (...args) => {
    const result = run(...args);
    if (result < 0) throw new Error(`${prototype}: error ${koffi.errno()}`);
    return result;
  };
};

export const socket = call('int socket(int, int, int)');
export const setsockopt = call('int setsockopt(int, int, int, void *, unsigned int)');
export const bind = call('int bind(int, void *, unsigned int)');
export const listen = call('int listen(int, int)');
export const getsockname = call('int getsockname(int, void *, void *)');
export const connect = call('int connect(int, void *, unsigned int)');
export const accept = call('int accept(int, void *, void *)');
export const send = call('long send(int, void *, size_t, int)');
export const recv = call('long recv(int, void *, size_t, int)');
export const close = call('int close(int)');

export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOL_SOCKET = 1;

/** Returns a struct sockaddr_in: the family in the machine's byte order, the rest in network byte order. */
export function addressOf(host, port = 0) {
  const bytes = new Uint8Array(16);
  new Uint16Array(bytes.buffer)[0] = AF_INET;
  bytes.set([port >>> 8, port & 255, ...host.split('.').map(Number)], 2);
  return bytes;
}
