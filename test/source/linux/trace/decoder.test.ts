import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { netlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';
import { Decoder, EVENTS } from '../../../../src/source/linux/trace/decoder.ts';
import type { TraceRecord } from '../../../../src/source/linux/trace/records.ts';
import { eachEvent } from '../../../../src/source/linux/trace/ring.ts';
import { exitEvent, fixture, format, LAYOUT, layoutOf, pages } from './fake.ts';

/** Returns a decoder with the events of the captured kernel. */
function decoderOf(change: (name: string, text: string) => string = (_name, text) => text): Decoder {
  const decoder = new Decoder();
  for (const name of EVENTS.keys()) decoder.addEvent(name, change(name, format(name)));
  return decoder;
}

function recordsOf(page: Uint8Array, decoder: Decoder, length = page.length, behind = 0): TraceRecord[] {
  const buffer = netlinkBuffer(LAYOUT.length + 64);
  buffer.bytes.fill(behind);
  buffer.bytes.set(page.subarray(0, length));
  const records: TraceRecord[] = [];
  eachEvent(buffer, LAYOUT, length, (start, end, atMs) => {
    const record = decoder.decode(buffer, start, end, atMs);
    if (record !== undefined) records.push(record);
  });
  return records;
}

/** Parses the kernel's line of an event into a record, without the socket's address, which it does not have. */
function printed(line: string): object {
  const [, tid, flags = '', seconds, micros, name = '', rest = ''] =
    /-(\d+)\s+\[\d+\] (\S+)\s+(\d+)\.(\d+): (\w+): (.*)$/.exec(line) ?? [];
  const words = new Map([...rest.matchAll(/(\w+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]));
  const word = (key: string) => words.get(key) ?? '';
  const is4 = word('family') === 'AF_INET';
  const common = {
    atMicros: Number(seconds) * 1e6 + Number(micros),
    tid: Number(tid),
    inProcess: !/[hHsZz]/.test(flags[2] ?? ''),
  };
  switch (name) {
    case 'inet_sock_set_state':
      return {
        ...common,
        type: 'state',
        family: is4 ? 'ipv4' : 'ipv6',
        localPort: Number(word('sport')),
        remotePort: Number(word('dport')),
        localAddress: word(is4 ? 'saddr' : 'saddrv6'),
        remoteAddress: word(is4 ? 'daddr' : 'daddrv6'),
        was: word('oldstate').replace('TCP_', ''),
        now: word('newstate').replace('TCP_', ''),
      };
    case 'tcp_destroy_sock':
      return { ...common, type: 'destroy', id: `sk:${word('sock_cookie')}` };
    case 'task_newtask':
      return {
        ...common,
        type: 'task',
        child: Number(word('pid')),
        isThread: (Number.parseInt(word('clone_flags'), 16) & 0x10000) !== 0,
        hasOwnNetwork: (Number.parseInt(word('clone_flags'), 16) & 0x40000000) !== 0,
        comm: word('comm'),
      };
    case 'sched_process_exec':
      return {
        ...common,
        type: 'exec',
        pid: Number(word('pid')),
        oldPid: Number(word('old_pid')),
        filename: word('filename'),
      };
    case 'sched_process_exit':
      return { ...common, type: 'exit', pid: Number(word('pid')), groupDead: word('group_dead') === 'true' };
    default: {
      const [, local, localPort, remote, remotePort] =
        /proto 17 (\S+)\/(\d+) -> (\S+)\/(\d+) /.exec(rest) ?? [];
      return {
        ...common,
        type: 'route',
        localPort: Number(localPort),
        remotePort: Number(remotePort),
        localAddress: local,
        remoteAddress: remote,
      };
    }
  }
}

describe('captured pages', () => {
  const decoder = decoderOf();
  const records = pages().flatMap((page) => recordsOf(page, decoder));

  test('decode to the same as the kernel prints', () => {
    const lines = fixture('trace.txt')
      .split('\n')
      .filter((line) => /^[^#]/.test(line));
    expect(lines).toHaveLength(89);
    expect(records.map(comparable)).toEqual(lines.map(printed));
    expect(decoder.problems).toBe(0);
  });

  /** Returns a record without the fields that are not printed; the kernel prints microseconds. */
  function comparable(record: TraceRecord): object {
    const { atMs, ...rest } = record;
    const { sk: _sk, ...others } = 'sk' in rest ? rest : { ...rest, sk: 0 };
    return { atMicros: Math.round(atMs * 1e3), ...others };
  }

  test('have one address per socket from its first state to its destruction, which no other socket has meanwhile', () => {
    const alive = new Map<number, string>();
    let destroyed = 0;
    for (const record of records) {
      if (record.type === 'state') {
        const before = alive.get(record.sk);
        if (before !== undefined) expect(record.was).toBe(before);
        expect(record.sk).toBeGreaterThan(2 ** 32);
        alive.set(record.sk, record.now);
      } else if (record.type === 'destroy') {
        expect(alive.delete(record.sk)).toBe(true);
        destroyed++;
      }
    }
    expect(alive.size).toBe(0);
    expect(destroyed).toBe(15);
  });
});

describe('formats of other kernels', () => {
  test('may lack the field group_dead', () => {
    const decoder = decoderOf((_name, text) => text.replace(/^.*group_dead;.*\n/m, ''));
    const exits = pages()
      .flatMap((page) => recordsOf(page, decoder))
      .filter(({ type }) => type === 'exit');
    expect(exits.map((exit) => 'groupDead' in exit && exit.groupDead)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['tcp/tcp_destroy_sock', 'sock_cookie'],
    ['sock/inet_sock_set_state', 'skaddr'],
    ['sock/inet_sock_set_state', 'common_pid'],
    ['sched/sched_process_exec', 'filename'],
  ])('reject %s without %s', (name, field) => {
    const text = format(name);
    const decoder = new Decoder();
    expect(decoder.addEvent(name, text)).toBe(true);
    expect(new Decoder().addEvent(name, text.replace(`${field};`, 'other;'))).toBe(false);
  });

  test('reject fields of another length, an empty format and an unknown event', () => {
    const name = 'task/task_newtask';
    const text = format(name);
    expect(new Decoder().addEvent(name, text.replace('offset:8;\tsize:4', 'offset:8;\tsize:2'))).toBe(false);
    expect(new Decoder().addEvent(name, text.replace('offset:0;\tsize:2', 'offset:2;\tsize:2'))).toBe(false);
    expect(new Decoder().addEvent(name, '')).toBe(false);
    expect(new Decoder().addEvent('sched/sched_switch', text)).toBe(false);
  });

  test('may have fields at other offsets', () => {
    // All fields but the common ones are 8 bytes further.
    const moved = format('sched/sched_process_exit').replace(
      /^(\tfield:(?!.* common_).*offset:)(\d+)/gm,
      (_all, before: string, offset: string) => `${before}${Number(offset) + 8}`,
    );
    const decoder = new Decoder();
    expect(decoder.addEvent('sched/sched_process_exit', moved)).toBe(true);
    const content = exitEvent(4711);
    const buffer = netlinkBuffer(64);
    buffer.bytes.set(content.subarray(0, 8));
    buffer.bytes.set(content.subarray(8), 16);
    expect(decoder.decode(buffer, 0, 44, 5)).toMatchObject({ type: 'exit', pid: 4711, groupDead: true });
  });

  test('may have addresses of 32 bits', () => {
    const text = format('tcp/tcp_destroy_sock').replace(
      'skaddr;\toffset:8;\tsize:8',
      'skaddr;\toffset:8;\tsize:4',
    );
    const decoder = new Decoder();
    expect(decoder.addEvent('tcp/tcp_destroy_sock', text)).toBe(true);
    const buffer = netlinkBuffer(72);
    buffer.bytes.fill(0xff);
    buffer.u16[0] = layoutOf('tcp/tcp_destroy_sock').id;
    expect(decoder.decode(buffer, 0, 72, 0)).toMatchObject({ sk: 2 ** 32 - 1, id: 'sk:ffffffffffffffff' });
  });
});

describe('the running thread', () => {
  const inProcess = (flags: number) => {
    const buffer = netlinkBuffer(64);
    buffer.bytes.set(exitEvent(7, { flags }));
    return decoderOf().decode(buffer, 0, 36, 0)?.inProcess;
  };

  test.each([
    [0x00, true],
    [0x01, true],
    [0x27, true],
    [0x80, true],
    [0x08, false],
    [0x10, false],
    [0x40, false],
    [0x19, false],
  ])('causes an event with flags %i: %s', (flags, expected) => {
    expect(inProcess(flags)).toBe(expected);
  });
});

describe('invalid events', () => {
  const name = 'sock/inet_sock_set_state';
  const { id, offset } = layoutOf(name);

  /** Returns a valid state change with some fields replaced. */
  function stateEvent(fields: Readonly<Record<string, number>>) {
    const buffer = netlinkBuffer(80);
    const view = buffer.view;
    const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
    view.setUint16(0, id, little);
    for (const [field, value] of Object.entries({ oldstate: 7, newstate: 2, family: 2, ...fields })) {
      if (field.endsWith('state')) view.setInt32(offset(field), value, little);
      else view.setUint16(offset(field), value, little);
    }
    return buffer;
  }

  test('do not include a valid event', () => {
    const decoder = decoderOf();
    expect(decoder.decode(stateEvent({}), 0, 72, 1)).toMatchObject({
      was: 'CLOSE',
      now: 'SYN_SENT',
      atMs: 1,
    });
    expect(decoder.problems).toBe(0);
  });

  test.each([
    ['an unknown state', { newstate: 14 }, 72],
    ['state 0', { oldstate: 0 }, 72],
    ['a negative state', { oldstate: -1 }, 72],
    ['an unknown family', { family: 1 }, 72],
    ['truncated', {}, 68],
    ['of an unknown kind', { common_type: 9 }, 72],
  ])('are counted: %s', (_what, fields, end) => {
    const decoder = decoderOf();
    expect(decoder.decode(stateEvent(fields), 0, end, 1)).toBeUndefined();
    expect(decoder.problems).toBe(1);
  });

  test('are counted: a text beyond the end of its event', () => {
    const exec = layoutOf('sched/sched_process_exec');
    const decoder = decoderOf();
    const buffer = netlinkBuffer(64);
    buffer.bytes.fill(0x41, 20);
    buffer.u16[0] = exec.id;
    const place = (at: number, length: number) =>
      (buffer.u32[exec.offset('filename') >>> 2] = ((length << 16) | at) >>> 0);
    place(20, 12);
    expect(decoder.decode(buffer, 0, 32, 0)).toMatchObject({ type: 'exec', filename: 'A'.repeat(12) });
    place(20, 13);
    expect(decoder.decode(buffer, 0, 32, 0)).toBeUndefined();
    place(0xffff, 0xffff);
    expect(decoder.decode(buffer, 0, 32, 0)).toBeUndefined();
    expect(decoder.problems).toBe(2);
  });
});

describe('corrupt pages', () => {
  test('give a record or a problem for each event, and nothing beyond the page is read', () => {
    const change = fc.record({
      at: fc.integer({ min: 8, max: 4092 }),
      value: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 29, 30, 31, 255)),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...pages()),
        fc.oneof(fc.constant(4096), fc.integer({ min: 0, max: 4096 })),
        fc.array(change, { maxLength: 30 }),
        (page, length, changes) => {
          const bytes = page.slice();
          for (const { at, value } of changes) bytes[at] = value;
          const decoder = decoderOf();
          const records = recordsOf(bytes, decoder, length, 0x00);
          let events = 0;
          const buffer = netlinkBuffer(LAYOUT.length);
          buffer.bytes.set(bytes);
          eachEvent(buffer, LAYOUT, length, () => events++);
          expect(records.length + decoder.problems).toBe(events);
          expect(recordsOf(bytes, decoderOf(), length, 0xff)).toEqual(records);
        },
      ),
      { numRuns: 1500 },
    );
  });
});
