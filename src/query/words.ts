import { portOrProtocolText, serviceName } from '../model/services.ts';
import { hasPorts, type Protocol } from '../model/socket.ts';
import { type Compiling, type Condition, namesTest } from './condition.ts';
import { PROTOCOLS } from './protocols.ts';
import { hasWord, type SearchFields } from './search-fields.ts';
import type { TextPool } from './texts.ts';

const [UNKNOWN, YES, NO] = [0, 1, 2];

/**
 * Returns a test that caches the answers of `test`. It takes the index of the protocol in `PROTOCOLS`, and returns
 * false for port -1 (no remote endpoint). VSOCK ports beyond 16 bits are not cached.
 */
export function cachedPortTest(
  test: (port: number, protocol: Protocol) => boolean,
): (port: number, protocol: number) => boolean {
  /** One answer per port, by protocol; allocated when the protocol first occurs. */
  const answers: (Uint8Array | undefined)[] = PROTOCOLS.map(() => undefined);
  return (port, protocol) => {
    const name = PROTOCOLS[protocol];
    if (port < 0 || name === undefined) return false;
    if (port > 0xffff) return test(port, name);
    const cache = (answers[protocol] ??= new Uint8Array(0x10000));
    if (cache[port] === UNKNOWN) cache[port] = test(port, name) ? YES : NO;
    return cache[port] === YES;
  };
}

/** Returns true if the port has a service name that passes the test. */
export function hasPortName(port: number, protocol: Protocol, test: (text: string) => boolean): boolean {
  const name = serviceName(port, protocol);
  return name !== undefined && test(name);
}

/** Compiles digits to a test of whether a number contains them. Works without making a text of each number. */
function digitsIn(digits: string): (number: number) => boolean {
  const wanted = Number(digits);
  const power = 10 ** digits.length;
  return (number) => {
    if (number === 0) return digits === '0';
    // Stops when fewer digits are left than wanted: 80 does not contain 080.
    for (let rest = number; rest * 10 >= power; rest = Math.floor(rest / 10))
      if (rest % power === wanted) return true;
    return false;
  };
}

/** Compiles a bare number to a test of whether it is a whole port, protocol number or process id. */
export function compileNumber(number: number, compiling: Compiling): Condition {
  const text = String(number);
  const isPid = namesTest(compiling, (names) => names.ofOwners('pid').includes(text));
  const isPort = cachedPortTest((port, protocol) => portOrProtocolText(port, protocol) === text);
  return (it, subject) =>
    isPort(it.localPort, it.protocol) || isPort(it.remotePort, it.protocol) || isPid(it, subject);
}

/** Compiles a word to a test of whether a name (`namesOf`), an address, a port or a service name contains it. */
export function compileWord(word: string, pool: TextPool): (it: SearchFields) => boolean {
  const lower = word.toLowerCase();
  // A word with a colon can span address and port. The last colon separates them: a port contains none.
  const colon = lower.lastIndexOf(':');
  const inNames = pool.cachedTest((text) => hasWord(text, lower));
  const inNumber = /^\d+$/.test(lower) ? digitsIn(lower) : () => false;
  const contains = (text: string): boolean => text.includes(lower);
  const inPort = cachedPortTest(
    (port, protocol) =>
      (hasPorts(protocol) ? inNumber(port) : contains(portOrProtocolText(port, protocol))) ||
      hasPortName(port, protocol, contains),
  );
  const inAddress = pool.cachedTest(contains);
  const endsAddress = pool.cachedTest((text) => text.endsWith(lower.slice(0, colon)));
  const startsPort = cachedPortTest((port, protocol) =>
    portOrProtocolText(port, protocol).startsWith(lower.slice(colon + 1)),
  );
  const inEndpoint = (address: number, port: number, protocol: number): boolean =>
    inPort(port, protocol) ||
    inAddress(address) ||
    (colon >= 0 && endsAddress(address) && startsPort(port, protocol));
  return ({ names, local, remote, localPort, remotePort, protocol }) =>
    inNames(names) ||
    inEndpoint(local, localPort, protocol) ||
    (remote >= 0 && inEndpoint(remote, remotePort, protocol));
}
