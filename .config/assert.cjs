// Replaces Node's module assert in blessed (build.mjs), which would load five modules of Node at each start.
const check = (isTrue) => {
  if (!isTrue) throw new Error('an assertion of blessed failed');
};
module.exports = Object.assign(check, { ok: check, equal: (one, other) => check(one === other) });
