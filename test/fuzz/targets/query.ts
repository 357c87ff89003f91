import { complete } from '../../../src/query/complete.ts';
import { compileForSubjects } from '../../../src/query/compile.ts';
import { hasTerm, withoutTerm, withTerm } from '../../../src/query/edit.ts';
import { narrows } from '../../../src/query/narrows.ts';
import { printQuery } from '../../../src/query/print.ts';
import { parseQuery, type Query } from '../../../src/query/query.ts';
import { valuesOf } from '../../../src/query/values.ts';
import { printable } from '../../../src/model/text.ts';
import { socket } from '../../helpers/fakes.ts';
import { HOSTILE } from '../../helpers/lines.ts';
import { subject } from '../../helpers/queries.ts';
import { SCENE } from '../../helpers/scene.ts';
import { checkMessage } from '../checks.ts';
import { mutatedText } from '../mutate.ts';
import type { Target } from '../target.ts';

const TEXTS = [
  'curl or (:443 !loopback)',
  'process:/^python/ out public',
  'rtt>50ms',
  '-i tcp@192.0.2.1:22 -s TCP:^LISTEN',
  '@192.0.2.1:80,443 net:10.0.0.0/8',
  '/(a+)+$/ "x \\"y" state:close_wait',
  'rx/s>100k age<10s pid:1-5,7 port:ssh',
  '@ip-172-31-22-105.eu-west-1.compute.internal:443 !new',
  'not (a and b or not "c d") user=root if:eth0 ns:4026531840',
];

const SOCKETS = [
  ...Object.values(SCENE),
  ...HOSTILE.map((process, i) => socket({ id: `h${i}`, process, user: process, interface: process })),
];
const SUBJECTS = SOCKETS.map((it) => subject(it));
const VALUES = valuesOf(SOCKETS);
const CONTEXT = { nowMs: 1000, baselineMs: undefined, addressesOf: () => ['192.0.2.1'] };

/**
 * Throws if a printed query, parsed again, is another one or matches other sockets, or if a query with one more term
 * matches sockets that the query does not match.
 */
function checkQuery(query: Query): void {
  const printed = printQuery(query.expression);
  const again = parseQuery(printed);
  if (!('query' in again) || printQuery(again.query.expression) !== printed)
    throw new Error(`printed and parsed again it is another query: ${printed.slice(0, 100)}`);
  const matches = compileForSubjects(query, CONTEXT);
  const found = SUBJECTS.filter(matches);
  if (SUBJECTS.filter(compileForSubjects(again.query, CONTEXT)).length !== found.length)
    throw new Error('printed and parsed again it matches other sockets');
  const more = withTerm(query, 'curl');
  if ('problem' in more) return;
  if (!hasTerm(more.query, 'curl')) throw new Error('an added term is missing');
  withoutTerm(more.query, 'curl');
  const fewer = SUBJECTS.filter(compileForSubjects(more.query, CONTEXT));
  if (narrows(query, more.query) && !fewer.every((it) => found.includes(it)))
    throw new Error('one more term matches more sockets');
}

export const query: Target = {
  about: 'text of a query: parser, printer, editor, completion and predicate',
  inputsPerSession: 1,
  suiteRuns: 300,
  open: (random) => {
    let input = '';
    return {
      input: () => input,
      next: () => {
        input = mutatedText(random, random.of(TEXTS));
        const cursor = random.below(input.length + 1);
        const { from, to, choices } = complete(input, cursor, VALUES);
        if (from > cursor || to < cursor || to > input.length || choices.length > 100)
          throw new Error(`${choices.length} choices for ${from} to ${to} at ${cursor} of ${input.length}`);
        const parsed = parseQuery(input);
        if ('query' in parsed) {
          checkQuery(parsed.query);
          return 'accepted';
        }
        const { at, length, message } = parsed.problem;
        checkMessage(printable(message), 200);
        if (at < 0 || length < 0 || at + length > input.length)
          throw new Error(`a problem at ${at}, ${length} long`);
        return 'refused';
      },
    };
  },
};
