import { isIP } from 'node:net';
import type { Endpoint } from '../../../src/model/socket.ts';
import { FlowOwners } from '../../../src/source/macos/nettop/flow-owners.ts';
import { FlowSockets } from '../../../src/source/macos/nettop/flow-sockets.ts';
import { parseNettop } from '../../../src/source/macos/nettop/output.ts';
import { NETTOP_OUTPUT } from '../../helpers/macos/nettop.ts';
import { mutatedText } from '../mutate.ts';
import type { Target } from '../target.ts';

const BOUND = 20;

function checkEndpoint({ address, port }: Endpoint): void {
  // `isIP` takes fewer names of interfaces than macOS.
  const [withoutInterface = ''] = address.split('%', 1);
  if (isIP(withoutInterface) === 0 || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`wrong endpoint: ${address} ${port}`);
}

export const nettop: Target = {
  about: 'output of nettop on macOS: parser, and lives from run to run',
  inputsPerSession: 20,
  suiteRuns: 2000,
  open: (random) => {
    const owners = new FlowOwners(undefined);
    const sockets = new FlowSockets({ remnants: BOUND, sockets: BOUND });
    let input = '';
    return {
      input: () => input,
      next: () => {
        input = mutatedText(random, NETTOP_OUTPUT);
        const output = parseNettop(input);
        if (output === undefined) return 'refused';
        const { flows, unreadable } = output;
        if (flows.length + unreadable > input.split('\n').length) throw new Error('more rows than lines');
        owners.beginPoll(flows);
        const published = sockets.read(flows, owners.of);
        // The bound of listeners is a tenth higher.
        if (published.size > Math.min(flows.length, 1.1 * BOUND))
          throw new Error(`${published.size} sockets of ${flows.length} flows`);
        for (const [id, socket] of published) {
          if (socket.id !== id || socket.owners.length === 0) throw new Error(`wrong socket ${id}`);
          checkEndpoint(socket.local);
          if (socket.remote) checkEndpoint(socket.remote);
          const { rxBytes = 0, txBytes = 0, rttMicros = 1 } = socket.traffic ?? {};
          if (![rxBytes, txBytes, rttMicros].every((it) => Number.isSafeInteger(it) && it >= 0))
            throw new Error(`wrong counters of ${id}`);
        }
        return flows.length > 0 ? 'accepted' : 'refused';
      },
    };
  },
};
