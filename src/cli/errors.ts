/** What went wrong, for an error that says so to the user. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What went wrong, for an error that should not have been. */
export const crashText = (error: unknown): string =>
  `ended by an error that it did not expect:\n${error instanceof Error ? error.stack : String(error)}`;
