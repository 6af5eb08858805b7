import type { Reader } from './store.ts';

export interface OpenCount {
  labels: { kind: string; state: string; waits_for: string };
  value: number;
}

/** How many operations are open, by what they are and what they wait for. */
export async function readOpenCounts(reader: Reader): Promise<OpenCount[]> {
  const rows = await reader
    .selectFrom('operations')
    .select(['kind', 'state', 'wait'])
    .where('finished_at', 'is', null)
    .execute();
  const counts = new Map<string, OpenCount>();
  for (const { kind, state, wait } of rows) {
    const waits_for = state === 'waiting' && wait !== null ? (JSON.parse(wait) as { for: string }).for : '';
    const key = `${kind} ${state} ${waits_for}`;
    const count = counts.get(key) ?? { labels: { kind, state, waits_for }, value: 0 };
    count.value += 1;
    counts.set(key, count);
  }
  return [...counts.values()];
}
