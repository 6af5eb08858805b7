import { setTimeout as delay } from 'node:timers/promises';

/** So long that no slow machine comes to it: it only says what a test hangs on. */
const lastResortSeconds = 600;

/** Asks again and again until the answer is accepted. Throws, with the last answer, when it never is. */
export async function until<T>(
  ask: () => Promise<T> | T,
  accepts: (answer: T) => boolean,
  { everyMilliseconds = 50 } = {},
): Promise<T> {
  const end = performance.now() + lastResortSeconds * 1000;
  for (;;) {
    const answer = await ask();
    if (accepts(answer)) return answer;
    if (performance.now() > end)
      throw new Error(`Not so after ${lastResortSeconds} s; the last answer: ${JSON.stringify(answer)}`);
    await delay(everyMilliseconds);
  }
}
