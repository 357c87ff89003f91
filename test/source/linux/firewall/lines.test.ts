import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FirewallTarget } from '../../../../src/model/firewall.ts';
import { iptablesChains } from '../../../../src/source/linux/firewall/iptables.ts';
import { nftChains } from '../../../../src/source/linux/firewall/nft.ts';
import type { Chain } from '../../../../src/source/linux/firewall/rules.ts';
import { firewallLines } from '../../../../src/source/linux/firewall/lines.ts';

const read = (name: string): string => readFileSync(`fixtures/linux/firewall/${name}.txt`, 'utf8');

/** Returns the lines about a port as `text (from)`. @param port `22/tcp` */
function linesOf(chains: readonly Chain[], port: string, address = '0.0.0.0'): string[] {
  const [number, protocol] = port.split('/');
  const target: FirewallTarget = {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    port: Number(number),
    address,
  };
  return firewallLines(target, chains).map(({ text, from }) => `${text} (${from})`);
}

describe('nft', () => {
  const chains = nftChains(read('nft'));
  const INPUT = '(nft: table inet filter, chain input, policy drop)';

  test.each([
    ['22/tcp', [`tcp dport 22 accept comment "tcp dport 99 }" ${INPUT}`]],
    ['443/tcp', [`tcp dport { 443, 5000-5010 } ip saddr 10.0.0.0/8 accept ${INPUT}`]],
    ['5005/tcp', [`tcp dport { 443, 5000-5010 } ip saddr 10.0.0.0/8 accept ${INPUT}`]],
    ['8050/tcp', [`tcp dport @web accept ${INPUT}`]],
    ['30011/tcp', [`tcp dport @web accept ${INPUT}`]],
    ['53/udp', [`meta l4proto { tcp, udp } th dport 53 reject ${INPUT}`]],
    ['25/tcp', [`tcp dport vmap { 25 : drop, 26 : accept } ${INPUT}`]],
    ['6001/udp', [`udp dport >= 6000 drop ${INPUT}`]],
    ['9999/tcp', ['tcp dport 9999 drop (nft: table inet filter, chain other)']],
  ])('rules that name port %s', (port, lines) => {
    expect(linesOf(chains, port)).toEqual(lines);
  });

  test('a port that no rule names, in a comment, in a concatenation, or for another protocol', () => {
    const none = (port: string, protocol: string) => [
      `none of 12 rules names ${protocol} port ${port}, ports of 2 of them cannot be read, policy drop (nft: table inet filter, chain input)`,
    ];
    expect(linesOf(chains, '99/tcp')).toEqual(none('99', 'tcp'));
    expect(linesOf(chains, '77/tcp')).toEqual(none('77', 'tcp'));
    expect(linesOf(chains, '22/udp')).toEqual(none('22', 'udp'));
  });

  test('a rule that forwards names its target; only IPv4 listeners get its family', () => {
    expect(linesOf(chains, '8080/tcp', '192.0.2.1')).toEqual([
      `tcp dport @web accept ${INPUT}`,
      'tcp dport 8080 dnat to 172.17.0.2:80 (nft: table ip nat, chain pre, policy accept)',
    ]);
    expect(linesOf(chains, '8080/tcp', '2001:db8::1')).toEqual([`tcp dport @web accept ${INPUT}`]);
  });

  test('sets whose elements are not listed may have any port', () => {
    const [chain] = nftChains(`table inet t {
	set big {
		type inet_service
	}
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport @big drop
		tcp dport @gone drop
	}
}`);
    expect(chain?.rules.map(({ isUnsure }) => isUnsure)).toEqual([true, true]);
  });

  test('the chains of a dormant table are not those of the table before it', () => {
    const chains = nftChains(`table ip a {
}
table ip x {
	flags dormant

	chain c {
		type filter hook input priority filter; policy drop;
	}
}`);
    expect(chains).toEqual([]);
  });

  test('a number in the comment of an element is no port', () => {
    const chains = nftChains(`table ip a {
	set s {
		type inet_service
		elements = { 80 comment "not, 22 here" }
	}

	chain c {
		type filter hook input priority filter; policy drop;
		tcp dport @s accept
	}
}`);
    expect(chains[0]?.rules[0]?.ports).toEqual([{ protocol: 'tcp', ranges: [[80, 80]] }]);
  });

  test('the port before it was forwarded cannot be read', () => {
    const [chain] = nftChains('table ip a {\n\tchain c {\n\t\tct original proto-dst 22 drop\n\t}\n}');
    expect(chain?.rules[0]?.isUnsure).toBe(true);
  });

  test('a dormant table, and one without rules', () => {
    expect(nftChains('table ip x {\n\tflags dormant\n\n\tchain c {\n\t\ttcp dport 1 drop\n\t}\n}\n')).toEqual(
      [],
    );
    const empty =
      'table ip x {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n';
    expect(linesOf(nftChains(empty), '1/tcp')).toEqual([
      'no rules, policy accept (nft: table ip x, chain INPUT)',
    ]);
    expect(nftChains('')).toEqual([]);
  });

  test('rules of iptables-nft', () => {
    const translated = nftChains(read('iptables-nft'));
    expect(linesOf(translated, '22/tcp')).toEqual([
      'meta l4proto tcp tcp dport { 21, 22 } drop (nft: table ip filter, chain INPUT, policy drop)',
    ]);
    expect(linesOf(translated, '8088/tcp')).toEqual([
      'iifname != "docker0" tcp dport 8088 dnat to 172.17.0.3:80 (nft: table ip nat, chain DOCKER)',
      'none of 5 rules names tcp port 8088, policy drop (nft: table ip filter, chain INPUT)',
    ]);
  });
});

describe('iptables', () => {
  const chains = iptablesChains(read('iptables-save'), 'iptables');

  test.each([
    [
      '22/tcp',
      ['-p tcp -m multiport --dports 21,22 -j DROP (iptables: table filter, chain INPUT, policy drop)'],
    ],
    ['53/udp', ['-p udp -m udp --dport 53 -j ACCEPT (iptables: table filter, chain ufw-user)']],
    [
      '8088/tcp',
      [
        '! -i docker0 -p tcp -m tcp --dport 8088 -j DNAT --to-destination 172.17.0.3:80 (iptables: table nat, chain DOCKER)',
        'none of 5 rules names tcp port 8088, policy drop (iptables: table filter, chain INPUT)',
      ],
    ],
    // In a comment, and in a rule of nat that does not forward.
    ['99/tcp', ['none of 5 rules names tcp port 99, policy drop (iptables: table filter, chain INPUT)']],
  ])('port %s', (port, lines) => {
    expect(linesOf(chains, port)).toEqual(lines);
  });

  test('ports of either end, and those that cannot be read', () => {
    const rules = [
      '-p tcp -m multiport --ports 22,23',
      '-p tcp -m conntrack --ctorigdstport 22',
      '-m u32 --u32 x',
    ];
    const [chain] = iptablesChains(
      `*filter\n:INPUT ACCEPT [0:0]\n${rules.map((it) => `-A INPUT ${it} -j DROP\n`).join('')}`,
      'iptables',
    );
    expect(chain?.rules.map(({ ports, isUnsure }) => [ports.length, isUnsure])).toEqual([
      [1, false],
      [0, true],
      [0, true],
    ]);
  });

  test('a listener of IPv6 only, and chains that lead to each other', () => {
    expect(linesOf(chains, '22/tcp', '::1')).toEqual([]);
    const loop =
      '*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n-A INPUT -j a\n-A a -j INPUT\n-A a -g a\n-A a -m set --match-set x dst -j DROP\n';
    expect(linesOf(iptablesChains(loop, 'ip6tables'), '1/tcp', '::')).toEqual([
      'none of 4 rules names tcp port 1, ports of 1 of them cannot be read, policy accept (ip6tables: table filter, chain INPUT)',
    ]);
  });
});

test('many rules about a port are counted, and a long one is cut', () => {
  const rules = Array.from(
    { length: 50 },
    (_, i) => `\t\tip saddr 10.0.0.${i} tcp dport 1 ${'x'.repeat(300)} drop`,
  );
  const text = `table ip x {\n\tchain c {\n\t\ttype filter hook input priority filter; policy drop;\n${rules.join('\n')}\n\t}\n}\n`;
  const lines = linesOf(nftChains(text), '1/tcp');
  expect(lines).toHaveLength(7);
  expect(lines[6]).toBe('44 more rules about tcp port 1 (nft)');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(300);
});
