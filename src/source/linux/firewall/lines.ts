import type { EvidenceLine } from '../../../model/evidence.ts';
import type { FirewallTarget } from '../../../model/firewall.ts';
import { counted, shortened } from '../../../model/text.ts';
import { type Chain, namesPort, type Rule } from './rules.ts';

/** Maximum number of rules that are shown. */
const MAX_RULES = 6;
/** Maximum length of a text on the screen, UTF-16 units: rules and names may have any length. */
const MAX_TEXT = 200;

/** Returns the chains that a chain leads to, itself first. */
function reachable(start: Chain, chains: readonly Chain[]): readonly Chain[] {
  const inTable = new Map(
    chains
      .filter(
        ({ tool, family, table }) => tool === start.tool && family === start.family && table === start.table,
      )
      .map((it) => [it.name, it]),
  );
  const found = new Set([start]);
  for (const { rules } of found)
    for (const { targets } of rules)
      for (const target of targets) {
        const chain = inTable.get(target);
        if (chain) found.add(chain);
      }
  return [...found];
}

const isOfFamily = ({ family }: Chain, address: string): boolean => {
  if (family === 'inet') return true;
  // A socket that listens on `::` may serve IPv4 too.
  if (family === 'ip') return !address.includes(':') || address === '::' || /^::ffff:/i.test(address);
  return family === 'ip6' && address.includes(':') && !/^::ffff:/i.test(address);
};

const placeOf = ({ tool, family, table, name, base }: Chain, hasPolicy: boolean): string => {
  const where = tool === 'nft' ? `table ${family} ${table}` : `table ${table}`;
  return `${tool}: ${where}, chain ${name}${base && hasPolicy ? `, policy ${base.policy}` : ''}`;
};

/** Returns true if a rule sends packets to another address or port. */
export const isForwarding = ({ bare }: Rule): boolean => /\b(?:dnat|redirect|DNAT|REDIRECT)\b/.test(bare);

/** A rule about a port, and its chain. */
export interface NamedRule {
  readonly chain: Chain;
  readonly rule: Rule;
}

/**
 * Returns the rules that name a port, in the order of their chains. The chains are those that the hooks `input` and
 * `prerouting` lead to; from chains of nat only rules that forward are returned.
 */
export function rulesFor(
  { protocol, port, address }: FirewallTarget,
  chains: readonly Chain[],
): readonly NamedRule[] {
  const found = new Map<Rule, NamedRule>();
  for (const start of chains) {
    const { base } = start;
    if (!isOfFamily(start, address) || (base?.hook !== 'input' && base?.hook !== 'prerouting')) continue;
    for (const chain of reachable(start, chains))
      for (const rule of chain.rules)
        if (namesPort(rule, protocol, port) && (base.type !== 'nat' || isForwarding(rule)))
          found.set(rule, { chain, rule });
  }
  return [...found.values()];
}

/** Returns the line about an input chain in which netpane finds no rule about a port. */
function policyLine(
  filter: Chain,
  chains: readonly Chain[],
  { protocol, port }: FirewallTarget,
): EvidenceLine {
  const rules = reachable(filter, chains).flatMap((chain) => chain.rules);
  const unsure = rules.filter(({ isUnsure }) => isUnsure).length;
  const words = [
    rules.length === 0
      ? 'no rules'
      : `none of ${counted(rules.length, 'rule')} names ${protocol} port ${port}`,
    ...(unsure === 0 ? [] : [`ports of ${unsure} of them cannot be read`]),
    `policy ${filter.base?.policy ?? ''}`,
  ];
  return { label: 'firewall', text: words.join(', '), from: placeOf(filter, false) };
}

/**
 * Returns the lines about a port: each rule that names it, and the policy of each input chain without such a rule. No line
 * says what happens to a packet: that depends on all rules, and on the packet.
 */
export function firewallLines(target: FirewallTarget, chains: readonly Chain[]): readonly EvidenceLine[] {
  const { protocol, port, address } = target;
  const named = rulesFor(target, chains);
  const rest = named.slice(MAX_RULES);
  const acceptsAll = ({ rules, base }: Chain): boolean => rules.length === 0 && base?.policy === 'accept';
  const filters = chains.filter(
    (chain) => chain.base?.hook === 'input' && chain.base.type === 'filter' && isOfFamily(chain, address),
  );
  const unnamed = filters.filter((filter) => {
    const all = new Set(reachable(filter, chains));
    return !named.some(({ chain }) => all.has(chain));
  });
  const notable = unnamed.filter((filter) => !acceptsAll(filter));
  return [
    ...named.slice(0, MAX_RULES).map(({ chain, rule }): EvidenceLine => ({
      label: 'firewall',
      text: rule.text,
      from: placeOf(chain, true),
    })),
    ...(rest.length === 0
      ? []
      : [
          {
            label: 'firewall',
            text: `${counted(rest.length, 'more rule')} about ${protocol} port ${port}`,
            from: [...new Set(rest.map(({ chain }) => chain.tool))].join(', '),
          },
        ]),
    // A chain that accepts all gets a line only if there is no other line.
    ...(notable.length === 0 && named.length === 0 ? unnamed.slice(0, 1) : notable).map((filter) =>
      policyLine(filter, chains, target),
    ),
  ].map(({ text, from, ...line }) => ({
    ...line,
    text: shortened(text, MAX_TEXT),
    from: shortened(from, MAX_TEXT),
  }));
}
