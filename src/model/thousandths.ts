/** Returns milliseconds with three decimals, the resolution of the clocks; further digits come from the arithmetic. */
export const toThousandths = (ms: number): number => Math.round(ms * 1000) / 1000;
