import { MacInterfaces, IF_MESSAGE } from '../../../src/source/macos/native/interfaces.ts';
import { INTERFACE, readInterfaces } from '../../../src/source/windows/interfaces.ts';
import type { NetworkInterface } from '../../../src/model/batch.ts';
import { interfaceMessage, interfaceTable } from '../../helpers/interfaces.ts';
import { FakeMac } from '../../helpers/macos/fake-calls.ts';
import { mutatedBytes } from '../mutate.ts';
import type { Target } from '../target.ts';

const WINDOWS = interfaceTable({ name: 'Ethernet' }, { name: 'Wi-Fi', flags: 2 }, { name: 'Loopback' });
const MACOS = Buffer.concat([
  interfaceMessage(1, 0x49),
  // A message about an address.
  interfaceMessage(1, 0, 0xc),
  interfaceMessage(2, 0x41),
]);

/** Throws if there are more interfaces than the bytes can have, or wrong counters. */
function check(found: readonly NetworkInterface[], maximum: number): void {
  if (found.length > maximum)
    throw new Error(`${found.length} interfaces, at most ${maximum} are in the bytes`);
  for (const { name, rxBytes, txBytes } of found)
    if (!(rxBytes >= 0 && txBytes >= 0) || name.includes('\0'))
      throw new Error(`wrong values: ${JSON.stringify({ name, rxBytes, txBytes })}`);
}

export const interfaces: Target = {
  about: 'lists of interfaces of Windows and macOS: their decoders',
  inputsPerSession: 50,
  suiteRuns: 10_000,
  open: (random) => {
    const mac = new FakeMac();
    const reader = new MacInterfaces(
      mac,
      (index) => (index === 2 ? undefined : `en${index}`),
      () => [],
    );
    let input: Uint8Array = new Uint8Array();
    return {
      input: () => input,
      next: () => {
        if (random.oneIn(2)) {
          input = mutatedBytes(random, WINDOWS);
          const found = readInterfaces(input, () => []);
          check(found, Math.floor(input.length / INTERFACE.size));
          return found.length > 0 ? 'accepted' : 'refused';
        }
        input = mutatedBytes(random, MACOS);
        mac.interfaces = Uint8Array.from(input);
        const found = reader.read() ?? [];
        check(found, Math.floor(input.length / IF_MESSAGE.size));
        return found.length > 0 ? 'accepted' : 'refused';
      },
    };
  },
};
