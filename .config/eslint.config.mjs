import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';
import own from './lint-rules.mjs';

export default tseslint.config(
  { ignores: ['dist/', 'fixtures/', 'node_modules/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', '.config/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: true, tsconfigRootDir: new URL('..', import.meta.url).pathname },
    },
    rules: {
      // Numbers and booleans are readable in a template; objects are not.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/require-await': 'off',
      // Allow `{ one, ...rest }` to omit a field.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    // A longer file or class does more than one thing.
    files: ['src/**/*.{ts,mjs}', 'test/**/*.{ts,mjs}'],
    plugins: { own },
    rules: {
      'max-lines': ['error', { max: 350, skipBlankLines: false, skipComments: false }],
      'own/max-class-lines': ['error', 250],
      'own/disable-says-why': 'error',
    },
  },
  {
    // Texts are untrusted: every regex must run in linear time.
    files: ['src/**/*.ts'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(NewExpression, CallExpression)[callee.name="RegExp"]',
          message: 'Write the regex as a literal: only literals are checked for linear time.',
        },
      ],
    },
  },
  {
    // The state and what is derived from it depend on actions only: no clock, no timers, no randomness.
    files: ['src/store/**/*.ts', 'src/view/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'process'].map((name) => ({
          name,
          message: 'Return an effect, or take the value from an action.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take the time from an action.' },
        { object: 'Math', property: 'random', message: 'Take the value from an action.' },
      ],
    },
  },
);
