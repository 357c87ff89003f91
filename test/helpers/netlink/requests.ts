// The contents of a netlink request.
import { type FakeSocket, type InetProtocol, PROTOCOL_NUMBERS } from './fields.ts';
import { LE, RAW_SOCK_DIAG } from './messages.ts';

/** Kind of a request: `tcp` dumps both families, `lookup` asks for the socket of two endpoints. */
export type RequestKind =
  | 'tcp'
  | 'lookup'
  | `${InetProtocol}${4 | 6}`
  | 'packet'
  | 'unix'
  | 'vsock'
  | 'links'
  | 'addresses';

const NLM_F_DUMP = 0x300;

/** Returns the kind of a request. */
export function requestKind(request: Uint8Array, isRoute: boolean): RequestKind {
  const view = new DataView(request.buffer, request.byteOffset);
  const type = view.getUint16(4, LE);
  if (isRoute) return type === 18 ? 'links' : 'addresses';
  if (type !== RAW_SOCK_DIAG) return 'tcp';
  if ((view.getUint16(6, LE) & NLM_F_DUMP) === 0) return 'lookup';
  const family = view.getUint8(16);
  if (family === 1) return 'unix';
  if (family === 17) return 'packet';
  if (family === 40) return 'vsock';
  // A protocol number above 255 is in an attribute after the request.
  const number = request.length > 72 ? view.getUint32(76, LE) : view.getUint8(17);
  const [name] = Object.entries(PROTOCOL_NUMBERS).find(([, each]) => each === number) ?? [];
  if (name === undefined) throw new Error(`a request for protocol ${number}`);
  return `${name as InetProtocol}${family === 2 ? 4 : 6}`;
}

const familyOf = (it: FakeSocket): 2 | 10 =>
  'local' in it && typeof it.local === 'string' && it.local.startsWith('[') ? 10 : 2;

/** Returns true if the answer to a request of this kind may have the socket. */
export const isOf = (kind: RequestKind, it: FakeSocket): boolean => {
  const protocol = it.protocol ?? 'tcp';
  return protocol === kind || `${protocol}${familyOf(it) === 2 ? 4 : 6}` === kind;
};

/** Returns false if a dump request of TCP does not ask for the state of this socket. */
export function isRequested(request: Uint8Array, kind: RequestKind, payload: Uint8Array): boolean {
  if (kind !== 'tcp' && kind !== 'tcp4' && kind !== 'tcp6') return true;
  const view = new DataView(request.buffer, request.byteOffset);
  const states = view.getUint32(16 + (kind === 'tcp' ? 52 : 4), LE);
  return (states & (1 << (payload[1] ?? 0))) !== 0;
}
