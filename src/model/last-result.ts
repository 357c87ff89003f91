/**
 * Returns a function that returns its last result again while its arguments are the same: a paint calls it several times,
 * and seldom with other arguments. @param make must depend on its arguments alone; its result must not be changed
 */
export function withLastResult<Inputs extends readonly unknown[], Result>(
  make: (...inputs: Inputs) => Result,
): (...inputs: Inputs) => Result {
  let last: { readonly inputs: Inputs; readonly result: Result } | undefined;
  return (...inputs) => {
    if (last === undefined || !inputs.every((it, i) => it === last?.inputs[i]))
      last = { inputs, result: make(...inputs) };
    return last.result;
  };
}
