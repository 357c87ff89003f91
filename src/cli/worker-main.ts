import { loadBundle } from './load-bundle.ts';

// Entry of the sampling thread.
loadBundle('sampler');
