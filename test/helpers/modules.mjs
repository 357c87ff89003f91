// Preloaded into netpane (`node --import`) by a test: appends the path of each module that is loaded from then on, in any
// thread, to the file NETPANE_MODULES; of a module of Node its name, `node:NAME`. Plain JavaScript, because plain `node` loads it.
import { appendFileSync } from 'node:fs';
import module, { Module } from 'node:module';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const { NETPANE_MODULES: list = '' } = process.env;
const append = (file) => appendFileSync(list, `${file}\n`);
const appendUrl = (url) => {
  if (url.startsWith('file:')) append(fileURLToPath(url));
};

/** Hook for ES modules. Before Node 22.15 it runs in a thread of its own, which imports this file again. */
export async function load(url, context, next) {
  appendUrl(url);
  return next(url, context);
}

const isHookThread = new URL(import.meta.url).search !== '';
if (!isHookThread) {
  if (module.registerHooks) {
    module.registerHooks({
      load: (url, context, next) => {
        appendUrl(url);
        return next(url, context);
      },
    });
  } else {
    module.register(`${import.meta.url}?hook`);
  }
  // Modules and addons that CommonJS requires do not pass the hook for ES modules.
  const { load: loadFile } = Module.prototype;
  Module.prototype.load = function (file) {
    append(file);
    return loadFile.call(this, file);
  };
  const { _load: loadAny } = Module;
  Module._load = function (name, ...others) {
    if (module.isBuiltin(name)) append(name.replace(/^(?!node:)/, 'node:'));
    return loadAny.call(this, name, ...others);
  };
  // Files that netpane itself runs as scripts.
  vm.Script = class extends vm.Script {
    constructor(code, options) {
      append(options.filename);
      super(code, options);
    }
  };
}
