import { readFileSync } from 'node:fs';
import { printable } from '../../../src/model/text.ts';
import { iptablesChains } from '../../../src/source/linux/firewall/iptables.ts';
import { nftChains } from '../../../src/source/linux/firewall/nft.ts';
import { firewallLines } from '../../../src/source/linux/firewall/lines.ts';
import { checkMessage } from '../checks.ts';
import { mutatedText } from '../mutate.ts';
import type { Target } from '../target.ts';

const read = (name: string): string => readFileSync(`fixtures/linux/firewall/${name}.txt`, 'utf8');
const RULES = [read('nft'), read('iptables-nft')];
const SAVED = read('iptables-save');
const PORTS = [22, 53, 80, 443, 8080, 8088, 9999];

export const firewall: Target = {
  about: 'lists of nft and iptables-save: parsers of firewall rules',
  inputsPerSession: 20,
  suiteRuns: 2000,
  open: (random) => {
    let input = '';
    return {
      input: () => input,
      next: () => {
        const isNft = random.oneIn(2);
        input = mutatedText(random, isNft ? random.of(RULES) : SAVED);
        const chains = isNft ? nftChains(input) : iptablesChains(input, 'iptables');
        for (const port of PORTS) {
          const protocol = port === 53 ? 'udp' : 'tcp';
          const lines = firewallLines({ protocol, port, address: '0.0.0.0' }, chains);
          for (const { text, from } of lines) {
            checkMessage(printable(text), 1000);
            checkMessage(printable(from), 1000);
          }
        }
        return chains.length > 0 ? 'accepted' : 'refused';
      },
    };
  },
};
