// Work that a service goes on with after it has answered 202: followed to its end (DSP0266 §12.2).
import { withLimit } from '../clock.ts';
import { BmcProtocolError, BmcTimeout } from '../errors.ts';
import type { Answer } from './answer.ts';
import type { RedfishClient } from './client.ts';
import { listAt, textAt } from './json.ts';

const runningStates = new Set([
  'New',
  'Starting',
  'Running',
  'Suspended',
  'Interrupted',
  'Pending',
  'Stopping',
  'Service',
  'Cancelling',
]);

/**
 * Resolves when what `answer` began is done: at once unless it is a 202 with a monitor. Throws BmcProtocolError with
 * what the task says when it failed, BmcTimeout after the client's task limit. Repeatable.
 */
export async function finishTask(client: RedfishClient, answer: Answer, signal: AbortSignal): Promise<void> {
  const monitor = answer.location ?? textAt(answer.body, '@odata.id') ?? null;
  if (answer.status !== 202 || monitor === null) return;
  const { taskTimeoutSeconds, taskPollSeconds } = client.options;
  await withLimit(
    client.clock,
    taskTimeoutSeconds * 1000,
    signal,
    async (either) => {
      while (!(await isFinished(client, monitor, either))) {
        await client.clock.sleep(taskPollSeconds * 1000, either);
      }
    },
    () => new BmcTimeout(client.address, `the task ${client.hide(monitor)}`, taskTimeoutSeconds, true),
  );
}

async function isFinished(client: RedfishClient, monitor: string, signal: AbortSignal): Promise<boolean> {
  let answer: Answer;
  try {
    answer = await client.request('GET', monitor, { signal });
  } catch (error) {
    // A monitor may be gone once its task has ended well (DSP0266 §12.2).
    if (error instanceof BmcProtocolError && (error.status === 404 || error.status === 410)) return true;
    throw error;
  }
  const state = textAt(answer.body, 'TaskState');
  if (state === undefined) return answer.status !== 202;
  if (runningStates.has(state)) return false;
  const status = textAt(answer.body, 'TaskStatus') ?? 'OK';
  if (state === 'Completed' && (status === 'OK' || status === 'Warning')) return true;
  const messages = listAt(answer.body, 'Messages').map((message) => textAt(message, 'Message') ?? '');
  const said = client.hide(messages.filter(Boolean).join(' '));
  throw new BmcProtocolError(
    client.address,
    `ended the task ${client.hide(monitor)} as ${client.hide(`${state}, ${status}`)}${said === '' ? '' : `: ${said}`}`,
  );
}
