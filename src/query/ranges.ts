import { servicePorts } from '../model/services.ts';
import { splitList, type Piece, refuse, quotePart } from './mistake.ts';

/** A range of whole numbers, both ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A range of ports, or a service name, whose ports depend on the protocol. */
export type PortItem = Range | { readonly service: string };

/** Maximum port of TCP and UDP. */
export const MAX_IP_PORT = 65_535;
/** Maximum port of all protocols: VSOCK ports have 32 bits. */
export const MAX_PORT = 0xffff_ffff;
/** Maximum of `pid_t`. */
const MAX_PID = 0x7fff_ffff;
/** Maximum number of an autonomous system (RFC 6793). */
const MAX_ASN = 0xffff_ffff;

const rangeText = ({ from, to }: Range): string => (from === to ? String(from) : `${from}-${to}`);

export const rangesText = (ranges: readonly Range[]): string => ranges.map(rangeText).join(',');

export const portsText = (ports: readonly PortItem[]): string =>
  ports.map((it) => ('service' in it ? it.service : rangeText(it))).join(',');

/** Parses `8` or `8-10`. Returns undefined for other texts. Throws a Mistake for a too large or reversed range. */
function readRange(piece: Piece, maximum: number): Range | undefined {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(piece.text) ?? [];
  if (first === undefined) return undefined;
  const [from, to] = [Number(first), Number(last)];
  if (Math.max(from, to) > maximum)
    refuse(piece, `${quotePart(piece.text)} is too large (maximum ${maximum})`);
  if (from > to) refuse(piece, `the range is reversed; write ${to}-${from}`);
  return { from, to };
}

/** Expected list of pids, for messages. */
const PIDS = 'a pid, a range or a list: pid:1,100-200';

export const readPids = (piece: Piece): readonly Range[] =>
  splitList(piece, PIDS).map(
    (it) => readRange(it, MAX_PID) ?? refuse(it, `bad pid ${quotePart(it.text)}; expected ${PIDS}`),
  );

/** Expected list of autonomous systems, for messages. */
const ASNS = 'a number, a range or a list: asn:13335,64512-65534';

/** Parses numbers of autonomous systems, with or without `AS`. */
export const readAsns = (piece: Piece): readonly Range[] =>
  splitList(piece, ASNS).map((it) => {
    const digits = { ...it, text: it.text.replace(/^AS/i, '') };
    return readRange(digits, MAX_ASN) ?? refuse(it, `bad number ${quotePart(it.text)}; expected ${ASNS}`);
  });

/** Expected list of ports, for messages. */
const PORTS = 'ports: 443, https, 8000-8100 or 80,443';

/** Parses a list of ports, ranges and services. As in lsof, a range may end with a service, but not start with one. */
export const readPorts = (piece: Piece): readonly PortItem[] =>
  splitList(piece, PORTS).map((it) => {
    const range = readRange(it, MAX_PORT);
    if (range) return range;
    const service = it.text.toLowerCase();
    if (servicePorts(service).length > 0) return { service };
    const [, start = '', name = ''] = /^(\d+)-(.+)$/.exec(service) ?? [];
    const end = servicePorts(name)[0];
    if (end !== undefined) return readRange({ ...it, text: `${start}-${end}` }, MAX_PORT) ?? { service };
    return refuse(it, `unknown service ${quotePart(it.text)}; expected ${PORTS}`);
  });

export const isWithin = (ranges: readonly Range[], n: number): boolean =>
  ranges.some(({ from, to }) => from <= n && n <= to);
