import { type Chain, portRange, type Rule, unquoted } from './rules.ts';

/*
 * Parses the output of iptables-save(8) and ip6tables-save(8).
 */

const CHAIN = /^:(\S+) (\S+)/;
const RULE = /^-A (\S+) (.*)$/;
/** `--ports` matches the source port or the destination port. */
const PORTS = /(! )?--(?:dports?|destination-ports?|ports) (\S+)/;
/** Text that may be a match of ports in another form: a set of ipset, raw bytes, the port before it was forwarded. */
const UNREADABLE = /-m (?:set|u32|bpf) |--ctorigdstport /;
const PROTOCOL = /(! )?-p (\S+)/;
const TARGET = /(?:-j|-g) (\S+)/;

/** Hook of each built-in chain that packets to this machine pass, by the name of the chain. */
const HOOKS: Readonly<Record<string, string>> = { INPUT: 'input', PREROUTING: 'prerouting' };

function ruleOf(text: string): Rule {
  const bare = unquoted(text, true);
  const [, isNot, list = ''] = PORTS.exec(bare) ?? [];
  const [, isOther, protocol = ''] = PROTOCOL.exec(bare) ?? [];
  const [, target] = TARGET.exec(bare) ?? [];
  const ranges = list.split(',').flatMap((it) => {
    const range = portRange(it, ':');
    return range ? [range] : [];
  });
  const isNamed = isNot === undefined && isOther === undefined && ranges.length > 0;
  return {
    text,
    bare,
    ports: isNamed ? [{ protocol, ranges }] : [],
    isUnsure: UNREADABLE.test(bare),
    targets: target === undefined ? [] : [target],
  };
}

/** Returns the chains that a save tool prints. @param tool `iptables` or `ip6tables` */
export function iptablesChains(text: string, tool: 'iptables' | 'ip6tables'): readonly Chain[] {
  const chains = new Map<string, Chain & { readonly rules: Rule[] }>();
  let table = '';
  const family = tool === 'iptables' ? 'ip' : 'ip6';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const [, name, policy = '-'] = CHAIN.exec(line) ?? [];
    if (name !== undefined) {
      const hook = policy === '-' ? undefined : HOOKS[name];
      const base = hook === undefined ? undefined : { type: table, hook, policy: policy.toLowerCase() };
      chains.set(`${table} ${name}`, { tool, family, table, name, ...(base && { base }), rules: [] });
    }
    const [, chain, rule] = RULE.exec(line) ?? [];
    if (chain !== undefined && rule !== undefined) chains.get(`${table} ${chain}`)?.rules.push(ruleOf(rule));
  }
  return [...chains.values()];
}
