import { type Chain, type PortMatch, portRange, type Rule, unquoted } from './rules.ts';

/*
 * Parses the output of `nft list ruleset`, line by line. It is the text form, because the JSON form leaves out the content of
 * rules that iptables-nft made.
 */

const TABLE = /^table (\S+) (\S+) \{/;
const BLOCK = /^\s*(chain|set|map) (\S+) \{/;
const BASE = /^type (\w+) hook (\w+) /;
const POLICY = /; policy (\w+);/;
const DPORT = /\b(tcp|udp|th) dport (!= )?(?:v?map )?/g;
/** A port, a range or a comparison. */
const VALUE = /^(?:@\S+|[<>]=? ?\d+|[\d-]+)/;
/** Text that may be a match of ports in another form: raw bytes, the port before forwarding, an extension of iptables. */
const UNREADABLE = /@th,|\bct (?:original|reply) proto-dst\b|\bxt (?:match|target)\b/;
const TARGET = /\b(?:jump|goto) (\S+?)(?=[\s,;}]|$)/g;

const MAX_PORT = 65_535;
/** Maximum length of the set in a rule that is read, UTF-16 units: a set of all ports has half of that. */
const MAX_SET = 1_000_000;

/** Returns the range of a port, a range, or a comparison; undefined for any other text. */
function rangeOf(text: string): readonly [number, number] | undefined {
  const [, operator, digits] = /^([<>]=?) ?(\d{1,5})$/.exec(text) ?? [];
  const number = Number(digits);
  switch (operator) {
    case '<':
      return [0, number - 1];
    case '<=':
      return [0, number];
    case '>':
      return [number + 1, MAX_PORT];
    case '>=':
      return [number, MAX_PORT];
    default:
      return portRange(text);
  }
}

/** Returns the ranges of the elements of a set, or of the keys of a map; undefined for each that is no port. */
const rangesOf = (elements: string): (readonly [number, number] | undefined)[] =>
  elements
    .replace(/^\{|\}$/g, '')
    .split(',')
    .map((element) => {
      const [key = ''] = element.split(':');
      // A counter or a timeout may follow.
      return rangeOf(key.trim()) ?? rangeOf(key.trim().split(' ')[0] ?? '');
    });

type Sets = ReadonlyMap<string, string>;

/** Destination ports that a rule matches; `value` is undefined for a form that cannot be read, such as a concatenation. */
interface DestinationPorts {
  readonly protocol: string;
  readonly value: string | undefined;
}

/** Returns the matches of destination ports in a rule. @param bare its text without what is in quotes */
function portsIn(bare: string): DestinationPorts[] {
  const found: DestinationPorts[] = [];
  for (const match of bare.matchAll(DPORT)) {
    const [all, protocol = '', isNot] = match;
    if (isNot !== undefined) continue;
    const rest = bare.slice(match.index + all.length, match.index + all.length + MAX_SET);
    const end = rest.startsWith('{') ? rest.indexOf('}') + 1 : 0;
    found.push({ protocol, value: end > 0 ? rest.slice(0, end) : VALUE.exec(rest)?.[0] });
  }
  return found;
}

function ruleOf(text: string, sets: Sets): Rule {
  const bare = unquoted(text);
  const matches = portsIn(bare).map(({ protocol, value }) => ({
    protocol: protocol === 'th' ? 'any' : protocol,
    ranges: rangesOf(value?.startsWith('@') ? (sets.get(value.slice(1)) ?? '') : (value ?? '')),
  }));
  const ports = matches.map(({ protocol, ranges }): PortMatch => ({
    protocol,
    ranges: ranges.filter((it) => it !== undefined),
  }));
  return {
    // Leaves out counters, which change all the time.
    text: text.replace(/ counter packets \d+ bytes \d+/, ''),
    bare,
    ports,
    isUnsure: UNREADABLE.test(bare) || matches.some(({ ranges }) => ranges.includes(undefined)),
    targets: [...bare.matchAll(TARGET)].map(([, target = '']) => target),
  };
}

/** A block of a table with its lines. A line that opens a brace is joined with the next ones, up to the closing brace. */
interface Block {
  readonly kind: string;
  readonly name: string;
  readonly lines: readonly string[];
}

const depthOf = (text: string): number => {
  const bare = unquoted(text);
  return bare.split('{').length - bare.split('}').length;
};

/** Returns the blocks of each table, without dormant tables, which the kernel does not use. */
function tablesIn(text: string): { family: string; table: string; blocks: Block[] }[] {
  const tables: { family: string; table: string; blocks: Block[] }[] = [];
  /** The blocks of the last table. */
  let blocks: Block[] = [];
  let block: { kind: string; name: string; lines: string[] } | undefined;
  /** Parts of a line with open braces, and the number of these. */
  let parts: string[] = [];
  let depth = 0;
  for (const line of text.split('\n')) {
    const [, family, table] = TABLE.exec(line) ?? [];
    if (family !== undefined && table !== undefined) {
      [blocks, block] = [[], undefined];
      tables.push({ family, table, blocks });
      continue;
    }
    if (block === undefined) {
      const [, kind, name] = BLOCK.exec(line) ?? [];
      if (/^\tflags .*dormant/.test(line)) {
        blocks = [];
        tables.pop();
      }
      if (kind === undefined || name === undefined) continue;
      block = { kind, name, lines: [] };
      blocks.push(block);
      [parts, depth] = [[], 0];
      continue;
    }
    depth += depthOf(line);
    // This line is the brace that ends the block.
    if (depth < 0) {
      block = undefined;
      continue;
    }
    parts.push(line.trim());
    if (depth > 0) continue;
    block.lines.push(parts.join(' '));
    parts = [];
  }
  return tables;
}

function chainOf({ name, lines }: Block, family: string, table: string, sets: Sets): Chain {
  const [first = ''] = lines;
  const [, type, hook] = BASE.exec(first) ?? [];
  const [, policy = 'accept'] = POLICY.exec(first) ?? [];
  const base = type !== undefined && hook !== undefined ? { type, hook, policy } : undefined;
  const rules = (base ? lines.slice(1) : lines).filter((line) => line !== '');
  return {
    tool: 'nft',
    family,
    table,
    name,
    ...(base && { base }),
    rules: rules.map((line) => ruleOf(line, sets)),
  };
}

/** Returns the chains in the output of `nft list ruleset`. */
export const nftChains = (text: string): readonly Chain[] =>
  tablesIn(text).flatMap(({ family, table, blocks }) => {
    const sets = new Map(
      blocks.flatMap(({ kind, name, lines }) => {
        const elements = lines.find((line) => line.startsWith('elements = '))?.slice('elements = '.length);
        return kind === 'chain' || elements === undefined ? [] : [[name, unquoted(elements)] as const];
      }),
    );
    return blocks.flatMap((block) => (block.kind === 'chain' ? [chainOf(block, family, table, sets)] : []));
  });
