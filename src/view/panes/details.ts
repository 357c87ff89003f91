import { exposureOf } from '../../model/exposure.ts';
import { firewallTarget, isSameTarget } from '../../model/firewall.ts';
import { serviceName } from '../../model/services.ts';
import {
  type Endpoint,
  firstOwner,
  portOrProtocol,
  type Knowledge,
  type Owner,
  protocolName,
  type Socket,
} from '../../model/socket.ts';
import { counted, printable } from '../../model/text.ts';
import { acceptedBy } from '../../store/accepted.ts';
import { answersAbout } from '../../store/peer-names.ts';
import { peerOf } from '../../store/peers.ts';
import { locationOf } from '../../store/locations.ts';
import { pictureOf } from '../../store/picture.ts';
import type { State, Usage } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import {
  byteFacts,
  type Fact,
  momentOf,
  networkFacts,
  pathFacts,
  peersFacts,
  programFacts,
  queueFacts,
} from './flow.ts';
import {
  boundedLifetimeText,
  bytesText,
  clockText,
  endpointText,
  namespaceText,
  ownerText,
  portText,
  userText,
} from '../text/format.ts';
import { ageWords } from '../text/age-text.ts';
import { nameFacts } from '../text/host-text.ts';
import { locationFacts } from '../text/location-text.ts';
import { exposureTone, exposureWords } from '../text/exposure-text.ts';
import { type Line, line, span, type Tone } from '../text/line.ts';
import { changeWords } from '../text/change-text.ts';
import { nameText, programText } from '../text/program-text.ts';
import { LIFE_COLUMNS } from '../columns/life.ts';
import { type KeyHelp, keyText } from '../header/key-help.ts';
import { cellContext } from '../table/rows.ts';
import { evidenceLine, evidenceLines, LABEL_WIDTH, verdictLines } from './evidence.ts';
import { displayWidth, inLines, inPieces } from '../text/width.ts';

const KNOWLEDGE: Readonly<Record<Knowledge, string>> = {
  exact: 'holds the socket now',
  inherited: 'last known holder of the socket',
  creator: 'made the socket; it may have passed it on to another process',
  listener: 'listens on the local endpoint; no process holds the connection itself',
  sender: 'the only process seen sending from this address and port: no proof that it used this socket',
  hidden: 'hidden: netpane may not see its process',
  kernel: 'held by the kernel, not by a process',
  gone: 'its process closed it or exited before netpane saw it',
  unknown: 'no process found that holds it',
  pending: 'still searching for its process',
};

const roomOf = (width: number): number => Math.max(8, width - LABEL_WIDTH);

const labelled = (label: string, pieces: readonly string[], tone: Tone = 'plain'): Line[] =>
  pieces.map((text, i) => line(span((i === 0 ? label : '').padEnd(LABEL_WIDTH), 'quiet'), span(text, tone)));

/** Returns the lines of `label  value`; a long value continues below its start. */
const field = (label: string, value: string, width: number): Line[] =>
  labelled(label, inLines(value, roomOf(width)));

/** Returns the lines of a label and several words; a word that fits in a line is not broken. */
export function factField([label, words]: Fact, width: number, tone?: Tone): Line[] {
  const room = roomOf(width);
  const lines: string[] = [];
  for (const text of words) {
    const joined = `${lines.at(-1) ?? ''}  ${text}`;
    if (lines.length > 0 && displayWidth(joined) <= room) lines[lines.length - 1] = joined;
    else lines.push(...inPieces(text, room));
  }
  return labelled(label, lines, tone);
}

const endpointField = (endpoint: Endpoint, socket: Socket): string => {
  const name = serviceName(portOrProtocol(endpoint), socket.protocol);
  // For raw and packet sockets the name already replaces the port.
  return (
    endpointText(endpoint, socket) + (name && portText(endpoint, socket, false) !== name ? `  ${name}` : '')
  );
};

/** Returns the lines that say who can reach a listener. */
function exposureField(socket: Socket, width: number): Line[] {
  const exposure = exposureOf(socket);
  if (!exposure) return [];
  return factField(['exposure', exposureWords(exposure, socket)], width, exposureTone(exposure));
}

/** Returns what the firewall's rules say of a listener. */
function firewallLines(socket: Socket, { firewall }: State, width: number): Line[] {
  const target = firewallTarget(socket);
  return firewall && target && isSameTarget(firewall.target, target)
    ? firewall.lines.flatMap((it) => evidenceLine(it, width))
    : [];
}

/** Returns the lines that count the connections of a TCP listener. */
function acceptedField(row: Row, state: State, width: number): Line[] {
  if (row.socket.state !== 'LISTEN' || row.mark === 'closed') return [];
  const { connections, listeners } = acceptedBy(row, pictureOf(state).rows, state.table.sequence);
  return factField(
    [
      'accepted',
      [
        `${counted(connections, 'connection')} now`,
        ...(listeners > 1 ? [`shared by ${listeners} listeners of this endpoint`] : []),
      ],
    ],
    width,
  );
}

/** Returns what is known of the name of the peer. */
function hostField(socket: Socket, { lookups, clock }: State, width: number): Line[] {
  return answersAbout(lookups, socket).flatMap((answer, i) =>
    factField([i === 0 ? 'host' : '', nameFacts(answer, clock.lastBatchMs)], width),
  );
}

/** Returns the country and network operator of the peer, as files of this machine know them. */
function locationField({ remote }: Socket, { lookups }: State, width: number): Line[] {
  const location = locationOf(lookups.locations, remote);
  return location ? factField(['location', locationFacts(location)], width) : [];
}

/** Returns the lines that name a process and say how it is known. */
function ownerNames(owner: Owner, width: number): Line[] {
  if (owner.process === undefined && owner.pid === undefined)
    return factField(
      ['program', [KNOWLEDGE[owner.knowledge], ...(owner.tried?.split('; ').map(printable) ?? [])]],
      width,
    );
  const lines = field('program', `${programText(owner)}  pid ${owner.pid ?? '?'}`, width);
  if (owner.nowProcess !== undefined)
    lines.push(...field('', `the process runs ${nameText(owner.nowProcess)} now`, width));
  if (owner.knowledge !== 'exact') lines.push(...field('', KNOWLEDGE[owner.knowledge], width));
  return lines;
}

/** Maximum lines of a command before other facts. A longer command is whole at the end, where it pushes no fact away. */
const COMMAND_LINES = 5;

/** Returns all lines of the command of a process. */
const commandLines = ({ command }: Owner, width: number): Line[] =>
  command === undefined ? [] : field('command', printable(command), width);

/** Returns the other lines about a process. */
function ownerFacts(owner: Owner, usage: Usage | null, width: number): Line[] {
  const lines: Line[] = [];
  if (usage && owner.pid !== undefined && usage.pid === owner.pid) {
    lines.push(
      ...field(
        'usage',
        `CPU ${usage.cpuPercent?.toFixed(1) ?? '…'} %  memory ${bytesText(usage.memoryBytes)}`,
        width,
      ),
    );
  }
  if (owner.user !== undefined) lines.push(...field('runs as', printable(owner.user), width));
  if (owner.startedAtMs !== undefined)
    lines.push(...field('started', new Date(owner.startedAtMs).toLocaleString('sv'), width));
  const command = commandLines(owner, width);
  lines.push(...command.slice(0, COMMAND_LINES));
  if (command.length > COMMAND_LINES)
    lines.push(
      ...field('', `… ${counted(command.length - COMMAND_LINES, 'more line')}: all at the end`, width),
    );
  if (owner.exe !== undefined) lines.push(...field('file', printable(owner.exe), width));
  if (owner.directory !== undefined) lines.push(...field('folder', printable(owner.directory), width));
  return lines;
}

/** Returns the program of the peer of a local connection, and where it is. */
function peerFields(row: Row, state: State, keys: readonly KeyHelp[], width: number): Line[] {
  const peer = peerOf(pictureOf(state).rows, row);
  if (peer === undefined) return [];
  const { pid, process, knowledge } = firstOwner(peer.socket);
  const name = pid === undefined && process === undefined ? knowledge : ownerText(peer.socket);
  const { netns } = peer.socket;
  const where =
    netns === undefined || netns.inode === row.socket.netns?.inode
      ? 'on this machine'
      : `in ${netns.own ? 'the namespace of netpane' : `namespace ${namespaceText(netns)}`}`;
  const words = [
    name,
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    where,
    `${keyText(keys, 'go-to-peer')} goes to its row`,
  ];
  return factField(['peer', words], width);
}

/** Returns the latest change of a socket that the log still keeps. */
function changeFields({ log }: State, id: string, width: number): Line[] {
  const event = log.changeOf(id);
  return event ? factField(['changed', [clockText(event.atMs), ...changeWords(event)]], width) : [];
}

const DIRECTIONS = { in: 'incoming', out: 'outgoing' } as const;

/** Returns everything known about a socket and the programs behind it. */
export function factLines(row: Row, state: State, keys: readonly KeyHelp[], width: number): Line[] {
  const { socket, direction } = row;
  const moment = momentOf(state);
  const fields = (facts: readonly Fact[]) => facts.flatMap((fact) => factField(fact, width));
  const lived = boundedLifetimeText(row);
  const stateName = socket.state ?? 'unconnected';
  const owners = socket.owners.map((owner) => ({
    names: ownerNames(owner, width),
    facts: ownerFacts(owner, state.usage, width),
  }));
  const [first, ...others] = owners;
  return [
    ...fields([
      [
        'socket',
        [
          protocolName(socket),
          row.mark === 'closed' ? `closed, was ${stateName}` : stateName,
          ...(direction ? [DIRECTIONS[direction]] : []),
        ],
      ],
    ]),
    ...field('local', endpointField(socket.local, socket), width),
    ...(socket.remote ? field('remote', endpointField(socket.remote, socket), width) : []),
    // The first program, and whether and why it should run, come early: the lowest pane shows only five lines.
    ...(first?.names ?? []),
    ...verdictLines(row, state, width),
    ...evidenceLines(row, state, width, 'why'),
    ...hostField(socket, state, width),
    ...locationField(socket, state, width),
    ...fields(peersFacts(row)),
    ...peerFields(row, state, keys, width),
    ...exposureField(socket, width),
    ...firewallLines(socket, state, width),
    ...acceptedField(row, state, width),
    ...fields(byteFacts(row, moment)),
    ...fields(pathFacts(row)),
    // Sums are kept for the first owner only.
    ...(first ? [...first.facts, ...fields(programFacts(row, state))] : []),
    ...others.flatMap(({ names, facts }) => [...names, ...facts]),
    ...evidenceLines(row, state, width, 'others'),
    ...fields(queueFacts(row)),
    ...fields(networkFacts(row, moment)),
    ...changeFields(state, row.id, width),
    ...(row.mark === 'closed' ? [] : factField(['age', ageWords(row, moment)], width)),
    ...(lived === undefined ? [] : field('lived', lived, width)),
    ...field('seen', `first at ${LIFE_COLUMNS.firstSeen.text(row, cellContext(state))}`, width),
    ...fields([
      ['user', [userText(socket), ...(socket.user && socket.uid !== undefined ? [`uid ${socket.uid}`] : [])]],
    ]),
    ...(socket.inode === undefined ? [] : field('inode', String(socket.inode), width)),
    ...field('id', printable(row.id), width),
    ...socket.owners
      .map((owner) => commandLines(owner, width))
      .filter(({ length }) => length > COMMAND_LINES)
      .flat(),
  ];
}
