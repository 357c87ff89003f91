// Preloaded into netpane (`node --import`) by a test: appends to the file NETPANE_MODULES a line for each file of code
// that is loaded from then on, in either thread. Plain JavaScript, for plain `node` loads it.
import { appendFileSync } from 'node:fs';
import module, { Module } from 'node:module';
import { fileURLToPath } from 'node:url';

const { NETPANE_MODULES: list = '' } = process.env;
const note = (file) => appendFileSync(list, `${file}\n`);
const noteUrl = (url) => {
  if (url.startsWith('file:')) note(fileURLToPath(url));
};

/** The hook for ES modules: before Node 22.15 it runs in a thread of its own, which imports this file once more. */
export async function load(url, context, next) {
  noteUrl(url);
  return next(url, context);
}

const isHookThread = new URL(import.meta.url).search !== '';
if (!isHookThread) {
  if (module.registerHooks) {
    module.registerHooks({
      load: (url, context, next) => {
        noteUrl(url);
        return next(url, context);
      },
    });
  } else {
    module.register(`${import.meta.url}?hook`);
  }
  // CommonJS that CommonJS asks for, and machine code, pass no hook of ES modules.
  const { load: loadFile } = Module.prototype;
  Module.prototype.load = function (file) {
    note(file);
    return loadFile.call(this, file);
  };
}
