import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TYPESCRIPT = ['**/*.ts'];
const PLAIN_JAVASCRIPT = ['**/*.js', '**/*.mjs'];
/** They own their process: the only ones to read its environment and to end it. */
const PROCESSES = ['src/{ingest,worker,board,system,cli}.ts', 'src/lifecycle.ts'];

export default defineConfig(
  globalIgnores(['dist/', '.test-build-*/', 'coverage/', '.data/', 'src/db/generated/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // A number in a text reads the same whichever way it got there.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => clearTimeout(timer)` is how a callback that returns nothing is written.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'max-params': ['error', 3],
    },
  },
  {
    files: ['src/**/*.ts', 'bench/**/*.ts'],
    rules: {
      eqeqeq: 'error',
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Libraries are handed their settings.' },
        { object: 'process', property: 'exit', message: 'Libraries throw; processes exit.' },
      ],
    },
  },
  { files: PROCESSES, rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/commands/**/*.ts'], rules: { 'no-console': 'off' } },
  // Express knows an error handler by its four parameters.
  { files: ['src/http/answers.ts'], rules: { 'max-params': ['error', 4] } },
  {
    // Matchers, parsed answers and rows are `any`; an assertion that fails is how a test finds out.
    files: ['tests/**/*.ts'],
    rules: {
      // A row of `test.each` is as wide as its table.
      'max-params': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: PLAIN_JAVASCRIPT,
    languageOptions: {
      globals: {
        console: 'readonly',
        fetch: 'readonly',
        process: 'readonly',
        setTimeout: 'readonly',
        URL: 'readonly',
      },
    },
  },
);
