import { type Exposure, isOpenToOthers } from '../../model/exposure.ts';
import type { Socket } from '../../model/socket.ts';
import { printable } from '../../model/text.ts';
import { shortNamespaceText } from './format.ts';

/** The words for an exposure: for a cell, for a narrow cell, and the explanation in the details. */
interface Words {
  readonly text: string;
  readonly short: string;
  readonly about: readonly string[];
}

const OTHERS = 'unless a firewall prevents it';

function wordsOf(exposure: Exposure): Words {
  switch (exposure.to) {
    case 'all':
      return {
        text: 'all interfaces',
        short: 'all',
        about: ['other machines reach it', OTHERS],
      };
    case 'public':
    case 'private': {
      const word = exposure.to === 'public' ? 'public' : 'LAN';
      const who = exposure.to === 'public' ? 'the Internet reaches it' : 'the local network reaches it';
      return {
        text: `${word} ${printable(exposure.address)}`,
        short: word,
        about: [who, OTHERS],
      };
    }
    case 'multicast':
      return {
        text: `multicast ${printable(exposure.address)}`,
        short: 'multicast',
        about: ['receives what is sent to this group', OTHERS],
      };
    case 'interface': {
      const name = printable(exposure.name);
      return {
        text: `interface ${name}`,
        short: name,
        about: ['other machines reach it through this interface only', OTHERS],
      };
    }
    case 'namespace': {
      const name = shortNamespaceText(exposure.netns);
      const isNamed = exposure.netns.name !== undefined;
      return {
        text: `${isNamed ? 'container' : 'namespace'} ${name}`,
        short: name,
        about: ['its own network reaches it', 'others only through a published port'],
      };
    }
    case 'loopback':
      return { text: 'loopback', short: 'loopback', about: ['only programs on this machine reach it'] };
    case 'machine':
      return { text: 'this machine', short: 'machine', about: ['only programs on this machine reach it'] };
  }
}

export const exposureText = (exposure: Exposure): string => wordsOf(exposure).text;

export const shortExposureText = (exposure: Exposure): string => wordsOf(exposure).short;

/** Returns the words of the details: what the exposure means. */
export function exposureWords(exposure: Exposure, { family }: Socket): readonly string[] {
  const { text, about } = wordsOf(exposure);
  const both = exposure.to === 'all' && family === 'ipv6' ? ['IPv4 too, unless it is IPv6 only'] : [];
  return [text, ...about, ...both];
}

/** Sort order of exposures: the most reachable first. */
const ORDER: readonly Exposure['to'][] = [
  'all',
  'public',
  'private',
  'interface',
  'multicast',
  'namespace',
  'loopback',
  'machine',
];

export const exposureRank = ({ to }: Exposure): number => ORDER.indexOf(to);

export const exposureTone = (exposure: Exposure): 'warning' | undefined =>
  isOpenToOthers(exposure) ? 'warning' : undefined;
