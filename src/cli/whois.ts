import { connect, type Socket } from 'node:net';
import type { Whois } from '../model/whois.ts';
import { messageOf } from './errors.ts';
import { isWhoisPort, referralIn, type WhoisServer } from './whois-server.ts';

/** Time for all servers together, milliseconds. */
export const WHOIS_MS = 10_000;
/** Maximum size of an answer, bytes. */
export const MAX_ANSWER = 64 * 1024;
/** Maximum number of referrals that are followed. */
export const MAX_REFERRALS = 4;

/** Opens a connection. A test replaces it. */
export type Connect = (host: string, port: number) => Socket;

const open: Connect = (host, port) => connect({ host, port });

/** The result of one request: an answer, which may be cut, or why there is none. */
interface Answer {
  readonly text: string;
  readonly problem?: string;
}

/** Asks one server. Never rejects. @param leftMs maximum time for the answer, milliseconds */
function ask(address: string, socket: Socket, leftMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const end = (problem?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(pieces).subarray(0, MAX_ANSWER).toString();
      resolve({ text, ...(problem !== undefined && { problem }) });
    };
    const timer = setTimeout(() => end(`no full answer within ${WHOIS_MS / 1000} s`), leftMs);
    socket.on('connect', () => socket.write(`${address}\r\n`));
    socket.on('data', (data: Buffer) => {
      pieces.push(data);
      size += data.length;
      if (size > MAX_ANSWER) end(`only the first ${MAX_ANSWER / 1024} KiB are shown`);
    });
    socket.on('end', () => end(size === 0 ? 'empty answer' : undefined));
    socket.on('error', (error) => end(messageOf(error)));
  });
}

/** Returns why a referral is not followed; undefined if it is. @param asked the hosts asked until now */
function refusalOf(next: WhoisServer, asked: readonly string[]): string | undefined {
  const { host, port } = next;
  if (asked.includes(host)) return `the servers refer to each other: ${host}`;
  if (!isWhoisPort(next)) return `not followed: ${host} at port ${port}, which is not that of whois`;
  return asked.length > MAX_REFERRALS ? `not followed: ${host}, after ${MAX_REFERRALS} referrals` : undefined;
}

/**
 * Asks whois servers about an address, and follows their referrals. Reports what is known after each step; the last report
 * is complete. Never rejects.
 * @param server the first one
 */
export async function askWhois(
  address: string,
  server: WhoisServer,
  report: (whois: Whois) => void,
  connectTo: Connect = open,
): Promise<void> {
  const deadlineMs = performance.now() + WHOIS_MS;
  let whois: Whois = { address, asked: [], text: '', isComplete: false };
  let problem: string | undefined;
  for (let next: WhoisServer | undefined = server; next;) {
    const host: string = next.host;
    whois = { ...whois, asked: [...whois.asked, host] };
    report(whois);
    const leftMs = Math.max(0, deadlineMs - performance.now());
    const answer = await ask(address, connectTo(host, next.port), leftMs);
    if (answer.text !== '') whois = { ...whois, answeredBy: host, text: answer.text };
    const referral = referralIn(answer.text);
    // A server often names itself.
    const other: WhoisServer | undefined = referral?.host === host ? undefined : referral;
    problem =
      answer.problem === undefined ? other && refusalOf(other, whois.asked) : `${host}: ${answer.problem}`;
    next = problem === undefined ? other : undefined;
  }
  report({ ...whois, ...(problem !== undefined && { problem }), isComplete: true });
}
