export { confineLinuxThread } from './confine/confine.ts';
