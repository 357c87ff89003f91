import { firstOwner, namespaceName, type Socket } from '../../model/socket.ts';
import { counted, printable } from '../../model/text.ts';
import { quoteWord } from '../../query/print.ts';
import type { Diagnosis, DiagnosisKind } from '../../store/diagnosis.ts';
import { countText, durationText, endpointText, sizeText } from '../text/format.ts';
import { nameText } from '../text/program-text.ts';

/** Everything that belongs to a kind of diagnosis. */
interface DiagnosisRow {
  /** Returns what is wrong; the text follows the name of the program. */
  readonly text: (diagnosis: Diagnosis) => string;
  /** The meaning of the diagnosis, in a few words. */
  readonly about: string;
  /** True if the diagnosis is about one listener: its endpoint follows the program in the text. */
  readonly namesListener?: true;
  /** Returns the terms of the query that shows its sockets, without the program. */
  readonly terms: (socket: Socket) => string;
}

const SECOND = 1000;

/** Returns how long something has lasted, from ten seconds on in steps of ten, so that the line is calm: `>4m`. */
function lastedText({ sinceMs, isAtLeast }: Diagnosis, nowMs: number): string {
  const ms = Math.max(0, nowMs - sinceMs);
  const stepped = ms < 10 * SECOND ? ms : ms - (ms % (10 * SECOND));
  return `${isAtLeast ? '>' : ''}${durationText(stepped)}`;
}

const percentText = (share: number): string => `${Math.round(share * 100)} %`;

/** Returns how full an accept queue is. Linux takes one more connection than the backlog allows (sk_acceptq_is_full). */
function acceptQueueText({ socket: { traffic } }: Diagnosis): string {
  const { recvQueue = 0, sendQueue = 0 } = traffic ?? {};
  const level = recvQueue >= sendQueue ? 'accept queue full' : 'accept queue nearly full';
  return `${level}, ${countText(recvQueue)} of ${countText(sendQueue)}`;
}

/** Every kind of diagnosis, in the words of ss. */
const DIAGNOSES: Readonly<Record<DiagnosisKind, DiagnosisRow>> = {
  'full-backlog': {
    text: acceptQueueText,
    about: 'it accepts too slowly: new connections wait or fail',
    namesListener: true,
    terms: ({ local }) => `listen lport:${local.port}`,
  },
  'syn-flood': {
    text: ({ count }) => `${countText(count)} SYN_RECV, a SYN flood?`,
    about: 'half-open: the peers do not complete the handshake',
    namesListener: true,
    terms: ({ local }) => `state:SYN_RECV lport:${local.port}`,
  },
  unanswered: {
    text: ({ count, socket }) =>
      count === 1
        ? `no answer from ${endpointText(socket.remote, socket)}`
        : `${counted(count, 'connection')} without an answer`,
    about: 'SYN sent again: a firewall drops it, or the host is down',
    terms: () => 'state:SYN_SENT',
  },
  'close-wait': {
    text: ({ count }) => `${countText(count)} CLOSE_WAIT`,
    about: 'the peers have closed, the program has not',
    terms: () => 'state:CLOSE_WAIT',
  },
  unread: {
    text: ({ count, amount }) => `${counted(count, 'receive queue')} not drained, ${sizeText(amount)}`,
    about: 'the program does not read',
    terms: () => '!listen recvq>=4KiB',
  },
  unsent: {
    text: ({ count, amount }) => `${counted(count, 'send queue')} not drained, ${sizeText(amount)}`,
    about: 'the peer does not read, or cannot be reached',
    terms: () => '!listen sendq>=4KiB',
  },
  retransmissions: {
    text: ({ count, amount }) =>
      `${percentText(count / Math.max(1, amount))} of segments retransmitted, ${countText(count)} in 30s`,
    about: 'packets are lost on the way',
    terms: () => 'retr>0',
  },
};

/** Returns the program of a socket for a sentence, else its user. Printable. */
function programOf(socket: Socket): string {
  const { process, pid } = firstOwner(socket);
  if (process !== undefined) return nameText(process);
  if (pid !== undefined) return `pid ${pid}`;
  return socket.user === undefined ? 'unknown program' : `a program of ${printable(socket.user)}`;
}

function programTerm(socket: Socket): string {
  const { process, pid } = firstOwner(socket);
  if (process !== undefined) return `process=${quoteWord(process)}`;
  if (pid !== undefined) return `pid:${pid}`;
  return socket.user === undefined ? '' : `user=${quoteWord(socket.user)}`;
}

/**
 * Returns three texts about a diagnosis: whole (`leaky-app: 12 CLOSE_WAIT, oldest >4m`), then without the address of a
 * listener, then also without the time. Printable.
 */
export function diagnosisTexts(diagnosis: Diagnosis, nowMs: number): readonly [string, string, string] {
  const { kind, socket, count, isOver } = diagnosis;
  const { text, namesListener } = DIAGNOSES[kind];
  const [address, port] = namesListener
    ? [` ${endpointText(socket.local, socket)}`, ` :${socket.local.port}`]
    : ['', ''];
  const lasted = lastedText(diagnosis, nowMs);
  const over = isOver ? ' (over)' : '';
  const time = count > 1 && kind !== 'retransmissions' ? `, oldest ${lasted}` : `, for ${lasted}`;
  const what = `${text(diagnosis)}${over || time}`;
  const program = programOf(socket);
  return [
    `${program}${address}: ${what}`,
    `${program}${port}: ${what}`,
    `${program}${port}: ${text(diagnosis)}${over}`,
  ];
}

/** Returns what a diagnosis means, in a few words. */
export const diagnosisAbout = ({ kind }: Diagnosis): string => DIAGNOSES[kind].about;

/** Returns the query that shows the sockets of a diagnosis. @param withNamespace names the network namespace too */
export function diagnosisQuery({ kind, socket }: Diagnosis, withNamespace: boolean): string {
  const { terms, namesListener } = DIAGNOSES[kind];
  const namespace = namespaceName(socket);
  return [
    // The half-open connections of a flood may be of unknown owners.
    kind === 'syn-flood' ? '' : programTerm(socket),
    terms(socket),
    namesListener && withNamespace && namespace !== '' ? `ns:${quoteWord(namespace)}` : '',
  ]
    .filter((it) => it !== '')
    .join(' ');
}
