import { describe, expect, test } from 'vitest';
import { PALETTES } from '../../src/store/state.ts';
import { attribute, colour, appearsSame } from '../../src/tui/theme.ts';
import type { Tone } from '../../src/view/text/line.ts';

const TONES = Object.keys({
  plain: 0,
  strong: 0,
  quiet: 0,
  header: 0,
  sorted: 0,
  accent: 0,
  warning: 0,
  error: 0,
  spawned: 0,
  changed: 0,
  closed: 0,
  group: 0,
  match: 0,
  cell: 0,
  cursor: 0,
} satisfies Record<Tone, 0>) as Tone[];

/** The fixed part of xterm's palette: a cube of 6 × 6 × 6 colours from 16 on, then 24 greys. */
function rgb(index: number): readonly number[] {
  if (index >= 232) return Array<number>(3).fill(8 + 10 * (index - 232));
  const levels = [0, 95, 135, 175, 215, 255];
  return [36, 6, 1].map((step) => levels[Math.floor((index - 16) / step) % 6] ?? NaN);
}

const linear = (value: number): number =>
  value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;

const luminance = ([r = 0, g = 0, b = 0]: readonly number[]): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** Contrast of a fixed colour with white and with black (WCAG 2.2). */
function contrasts(index: number): readonly number[] {
  const own = luminance(rgb(index).map(linear)) + 0.05;
  return [1.05 / own, own / 0.05];
}

test('the contrast formula: grey 244 is too light on white', () => {
  expect(contrasts(244).map((ratio) => Math.round(ratio * 100) / 100)).toEqual([3.95, 5.32]);
});

describe.each(PALETTES)('%s', (palette) => {
  const colours = [...new Set(TONES.map((tone) => colour(palette, tone)))].filter((it) => it !== undefined);

  test('every fixed colour is readable on black and on white', () => {
    for (const index of colours.filter((it) => it >= 16)) {
      expect(Math.min(...contrasts(index)), `colour ${index}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('uses only fixed colours and the six user-defined ones', () => {
    for (const index of colours)
      expect(index >= 16 || (index >= 1 && index <= 6), `colour ${index}`).toBe(true);
  });

  test('cell and cursor differ from plain text, also on the selected row', () => {
    for (const tone of ['cell', 'cursor'] as const) {
      for (const selected of [false, true]) {
        expect(attribute(palette, tone, selected)).not.toBe(attribute(palette, 'plain', selected));
      }
    }
    expect(attribute(palette, 'plain', true)).not.toBe(attribute(palette, 'plain', false));
  });

  test('a match differs from plain text, also on the selected row', () => {
    for (const selected of [false, true])
      expect(attribute(palette, 'match', selected)).not.toBe(attribute(palette, 'plain', selected));
  });

  test('a group header differs from plain text', () => {
    expect(attribute(palette, 'group', false)).not.toBe(attribute(palette, 'plain', false));
  });
});

test('a blank appears the same in every colour, unless it is underlined or inverse', () => {
  const of = (tone: Tone, selected = false) => attribute('standard', tone, selected);
  expect(appearsSame(' ', of('plain'), of('changed'))).toBe(true);
  expect(appearsSame(' ', of('changed'), of('quiet'))).toBe(true);
  for (const other of [of('match'), of('plain', true)]) {
    expect(appearsSame(' ', of('plain'), other)).toBe(false);
    expect(appearsSame(' ', other, of('plain'))).toBe(false);
  }
  expect(appearsSame(' ', of('changed', true), of('plain', true))).toBe(false);
  expect(appearsSame('x', of('plain'), of('changed'))).toBe(false);
});

test.each(['high-contrast', 'mono'] as const)('%s uses only the foreground of the terminal', (palette) => {
  expect(TONES.filter((tone) => colour(palette, tone) !== undefined)).toEqual([]);
});

test('in high contrast each mark has a different style', () => {
  const styles = (['plain', 'spawned', 'changed', 'closed'] as const).map((tone) =>
    attribute('high-contrast', tone, false),
  );
  expect(new Set(styles).size).toBe(4);
});

describe('colour-blind', () => {
  /** Simulation matrices of the three kinds at full severity (Machado, Oliveira and Fernandes 2009), in linear RGB. */
  const KINDS = {
    protanopia: [
      [0.152286, 1.052583, -0.204868],
      [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
    deuteranopia: [
      [0.367322, 0.860646, -0.227968],
      [0.280085, 0.672501, 0.047413],
      [-0.01182, 0.04294, 0.968881],
    ],
    tritanopia: [
      [1.255528, -0.076749, -0.178779],
      [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.3039],
    ],
  };

  /** CIE L*a*b* of linear RGB, D65. */
  function lab([r = 0, g = 0, b = 0]: readonly number[]): readonly number[] {
    const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    const [x, y, z] = [
      f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505),
      f(luminance([r, g, b])),
      f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089),
    ];
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  }

  test.each(Object.entries(KINDS))('with %s the marks are distinct', (_, matrix) => {
    const seen = (['spawned', 'changed', 'closed'] as const).map((tone) => {
      const own = rgb(colour('colour-blind', tone) ?? NaN).map(linear);
      const turned = matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * (own[i] ?? NaN), 0));
      return lab(turned.map((value) => Math.max(0, Math.min(1, value))));
    });
    for (const [i, one] of seen.entries()) {
      for (const other of seen.slice(i + 1)) {
        // A distance of 10 is visible at a glance; the minimum here is 29.
        expect(Math.hypot(...one.map((value, k) => value - (other[k] ?? NaN)))).toBeGreaterThan(25);
      }
    }
  });
});
