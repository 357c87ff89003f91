/** A second, a minute, an hour and a day, milliseconds. */
export const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];
