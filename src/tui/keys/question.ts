import { ruleText } from '../../view/header/question-line.ts';
import { keyText } from '../../view/header/key-help.ts';
import type { Binding } from './binding.ts';

/** Keys that answer a question. Any other key cancels. */
export const QUESTION_KEYS: readonly Binding[] = [
  {
    id: 'answer-yes',
    keys: ['y'],
    name: 'yes',
    about: 'do what the question asks; any other key cancels',
    group: 'Questions',
    place: 'question',
    needsKey: true,
    run: ({ state: { question }, keys }) => {
      switch (question?.kind) {
        case 'hide':
          return {
            type: 'hide',
            rule: question.rule,
            note: `hidden (${keyText(keys, 'undo')} undoes): ${ruleText(question.rule)}`,
          };
        case 'close':
          return { type: 'close-sockets', sockets: question.sockets, what: question.what };
        case undefined:
          return { type: 'question', question: null };
      }
    },
  },
];
