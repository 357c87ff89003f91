import { request } from 'node:http';
import type { EvidenceLine } from '../../../model/evidence.ts';
import { field, parseJson } from '../namespaces/guarded-file.ts';
import type { Files } from './files.ts';

/** Sockets of the APIs of container engines. */
const ENGINES = ['/var/run/docker.sock', '/run/podman/podman.sock'];

/** Maximum time for an answer, milliseconds. */
const API_MS = 500;
/** Maximum length of an answer, UTF-16 units. */
const API_LIMIT = 4 * 2 ** 20;

/** The container port behind a docker-proxy. */
export interface Published {
  readonly address: string;
  readonly port: string;
}

/** Returns the container port that a docker-proxy forwards to, by its arguments; undefined for another program. */
export function publishedBy(words: readonly string[]): Published | undefined {
  if (!/(?:^|\/)docker-proxy$/.test(words[0] ?? '')) return undefined;
  const valueOf = (name: string): string | undefined => words[words.indexOf(name) + 1];
  if (!words.includes('-container-ip') || !words.includes('-container-port')) return undefined;
  const [address, port] = [valueOf('-container-ip'), valueOf('-container-port')];
  return address === undefined || port === undefined ? undefined : { address, port };
}

/** Returns the lines about the container behind a docker-proxy; none for another program. */
export async function publishedLines(words: readonly string[], files: Files): Promise<EvidenceLine[]> {
  const published = publishedBy(words);
  if (published === undefined) return [];
  const { address, port } = published;
  const name = await containerAt(address, files);
  return [
    {
      label: 'forwards',
      text: `port ${port} of ${name === undefined ? 'the container at' : `container ${name.name}, at`} ${address}`,
      from: name === undefined ? 'command line' : `command line, ${name.from}`,
    },
  ];
}

/** Returns the name of the container with an address, by the API of an engine; undefined if no engine knows one in time. */
export async function containerAt(
  address: string,
  files: Files,
): Promise<{ readonly name: string; readonly from: string } | undefined> {
  for (const path of ENGINES) {
    if ((await files.stat(path))?.isSocket() !== true) continue;
    const text = await askEngine(files.pathOf(path));
    const name = nameIn(parseJson(text), address);
    if (name !== undefined) return { name, from: path };
  }
  return undefined;
}

/** Returns the name of the container with an address in an answer to `GET /containers/json`. */
export function nameIn(answer: unknown, address: string): string | undefined {
  if (!Array.isArray(answer)) return undefined;
  for (const container of answer as readonly unknown[]) {
    const networks = field(field(container, 'NetworkSettings'), 'Networks');
    const isIt = Object.values(networks ?? {}).some(
      (network) => field(network, 'IPAddress') === address || field(network, 'GlobalIPv6Address') === address,
    );
    const names = field(container, 'Names');
    const [name] = Array.isArray(names) ? (names as readonly unknown[]) : [];
    if (isIt && typeof name === 'string') return name.replace(/^\//, '');
  }
  return undefined;
}

/** Resolves to the answer of an engine; undefined if it fails, is too long or takes too long. */
function askEngine(socketPath: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/containers/json', timeout: API_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > API_LIMIT) asked.destroy();
      });
      answer.on('end', () => resolve(answer.statusCode === 200 ? text : undefined));
      answer.on('error', () => resolve(undefined));
    });
    // `timeout` limits only the silence between two parts; this limits the whole answer.
    const timer = setTimeout(() => asked.destroy(), API_MS);
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    asked.end();
  });
}
