import type { PromptKind } from './state.ts';

/** What belongs to a kind of prompt. */
interface PromptRow {
  /** Text before the typed text. */
  readonly label: string;
  /** The query field that the answer sets; absent for a prompt that sets none. */
  readonly field?: 'port' | 'process' | 'ns';
}

/** Every kind of prompt. The hints are in `view/header/hints.ts`, what enter does in `prompt-actions.ts`. */
export const PROMPTS: Readonly<Record<PromptKind, PromptRow>> = {
  query: { label: '/ ' },
  port: { label: 'port: ', field: 'port' },
  process: { label: 'process: ', field: 'process' },
  netns: { label: 'namespace: ', field: 'ns' },
  save: { label: 'save to: ' },
  view: { label: 'view name: ' },
};
