/** What went wrong, for an error that says so to the user. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** An error whose message says to the user all there is to say. */
export class PlainError extends Error {}

/** What went wrong, for an error that ends the program; with the stack where it should not have been. */
export const crashText = (error: unknown): string => {
  if (error instanceof PlainError) return error.message;
  return `ended by an error that it did not expect:\n${error instanceof Error ? error.stack : String(error)}`;
};
