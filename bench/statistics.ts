// Numbers out of many measurements.

/** The smallest value that at least `share` of all values do not exceed. Null without values. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

/** The least and the greatest; null without values. */
export function rangeOf(values: readonly number[]): { least: number; greatest: number } | null {
  if (values.length === 0) return null;
  return { least: Math.min(...values), greatest: Math.max(...values) };
}
