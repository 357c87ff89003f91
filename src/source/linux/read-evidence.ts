export { readLinuxEvidence } from './evidence/reader.ts';
