/** Notes how long something took, however it ended. */
export async function timed<T>(
  now: () => number,
  note: (seconds: number, outcome: 'done' | 'failed') => void,
  work: () => Promise<T>,
): Promise<T> {
  const begun = now();
  try {
    const result = await work();
    note((now() - begun) / 1000, 'done');
    return result;
  } catch (error) {
    note((now() - begun) / 1000, 'failed');
    throw error;
  }
}
