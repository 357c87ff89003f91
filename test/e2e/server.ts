import type { LineProgram } from './line-program.ts';

/** The options of a program of short-lived.cjs; described there. */
export interface ProgramOptions {
  host?: string;
  hosts?: readonly string[];
  port?: number;
  count?: number;
  endings?: string;
  noise?: number;
  kind?: 'raw' | 'raw-tcp' | 'raw-udp' | 'ping' | 'udplite';
}

export interface Answer {
  ports: number[];
  error?: string;
}

/** Process and output of a program of short-lived.cjs that has made its connections. */
export interface ProgramResult extends Answer {
  pid: number;
  name: string;
}

/** A server of short-lived.cjs. */
export class Server {
  readonly #program: LineProgram;
  readonly name: string;
  /** One for each host. */
  ports: number[] = [];

  constructor(program: LineProgram, name: string) {
    this.#program = program;
    this.name = name;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Its port on the first host. */
  get port(): number {
    return this.ports[0] ?? 0;
  }

  async answer(): Promise<Answer> {
    const line = await this.#program.until('an answer of the server', () => this.#program.lines.shift());
    return JSON.parse(line) as Answer;
  }

  /** Sends an order. Returns the port that the server opened for it. */
  async order(order: 'mark' | 'listen' | 'refuse'): Promise<number> {
    this.#program.child.stdin?.write(`${order}\n`);
    const { ports } = await this.answer();
    return ports[0] ?? 0;
  }
}
