import { printable, shortened } from '../../model/text.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { PeerName } from '../../store/peer-names.ts';
import { ageText, NOTHING } from './format.ts';

/** Returns the name of an address; `…` while it is being asked for, `?` without an answer. Printable. */
export function hostText(address: string | undefined, { names, asksNames }: Lookups): string {
  const answer = address === undefined ? undefined : names.get(address);
  if (answer?.type === 'name') return printable(answer.name);
  if (answer?.type === 'failed') return '?';
  return answer === undefined && address !== undefined && asksNames ? '…' : NOTHING;
}

/** Returns what is known of the name of an address, with its source and age, in words. Printable. */
export function nameFacts(answer: PeerName, nowMs: number): readonly string[] {
  const age = `${ageText(Math.max(0, nowMs - answer.atMs), false)} ago`;
  switch (answer.type) {
    case 'name':
      return [
        printable(answer.name),
        ...(answer.others > 0 ? [`and ${answer.others} more`] : []),
        `by ${answer.from === 'hosts' ? '/etc/hosts' : 'reverse DNS'}, ${age}`,
      ];
    case 'none':
      return ['no name', `by reverse DNS, ${age}`];
    case 'failed':
      return [printable(shortened(answer.why, 100)), `reverse DNS, ${age}`];
  }
}
