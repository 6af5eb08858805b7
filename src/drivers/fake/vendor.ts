import { InvalidParameterValue, MissingParameterValue } from '#model/faults.ts';
import type { VendorInterface, VendorMethod } from '../interfaces/others.ts';
import { defineStep, done, waitForAgent } from '../steps.ts';
import type { Task } from '../task.ts';
import type { Delay } from './delay.ts';

/** Methods that compare their argument `bar` with a word, for trying vendor passthru out. */
export function fakeVendor(delay: Delay): VendorInterface {
  const compare = (name: string, word: string, how: Partial<VendorMethod> = {}): VendorMethod => ({
    http_methods: ['POST'],
    async: true,
    description: `Test if the value of bar is ${word}`,
    ...how,
    async validate(_task, body) {
      barOf(name, body);
    },
    async call(task, body) {
      await delay(task, 'vendor_delay');
      return barOf(name, body) === word;
    },
  });
  const logMembers = async (task: Task, members: object): Promise<void> => {
    // Names only: the values are whatever somebody sent, and may be secret.
    task.log.debug({ members: Object.keys(members) }, 'fake vendor passthru was called');
    await delay(task, 'vendor_delay');
  };

  return {
    properties: { B1: 'B1 description. Required.', B2: 'B2 description. Required.' },
    async validate() {},
    methods: {
      second_method: compare('second_method', 'kazoo'),
      third_method_sync: compare('third_method_sync', 'meow', { async: false }),
      fourth_method_shared_lock: compare('fourth_method_shared_lock', 'woof', {
        require_exclusive_lock: false,
      }),
      log_passthrough: {
        http_methods: ['POST'],
        async: true,
        description: 'Writes the names of what it is given to the log',
        async validate(_task, body) {
          members(body);
        },
        call: (task, body) => logMembers(task, members(body)),
      },
    },
    steps: [
      // Two rows, since it needs no agent in service (ironic drivers/modules/fake.py, 2026.2).
      defineStep({ step: 'log_passthrough', flows: { clean: 1 }, run: logStep }),
      defineStep({ step: 'log_passthrough', flows: { service: 0 }, requiresRamdisk: false, run: logStep }),
      defineStep({
        step: 'trigger_servicewait',
        flows: { service: 0 },
        async run(task) {
          const since = task.memo['waitingSince'];
          if (typeof since !== 'number') {
            await task.note({ waitingSince: task.clock.now() });
            return waitForAgent;
          }
          // Run again by a conductor that took over, before any agent said a word: it still waits.
          return task.agentHeardAt !== null && task.agentHeardAt >= since ? done : waitForAgent;
        },
      }),
    ],
  };

  async function logStep(task: Task, args: object) {
    await logMembers(task, args);
    return done;
  }
}

function barOf(method: string, body: unknown): unknown {
  const { bar, ...others } = members(body);
  if (bar === undefined || bar === null || bar === '')
    throw new MissingParameterValue(`Parameter 'bar' not passed to method '${method}'.`);
  const unknown = Object.keys(others);
  if (unknown.length > 0)
    throw new InvalidParameterValue(`Method '${method}' takes 'bar' alone, not ${unknown.join(', ')}.`);
  return bar;
}

/** What was sent along; nothing is as good as an empty object. Throws InvalidParameterValue for anything else. */
function members(body: unknown): Record<string, unknown> {
  if (body === null || body === undefined) return {};
  if (typeof body !== 'object' || Array.isArray(body))
    throw new InvalidParameterValue('The body of a vendor passthru call is an object.');
  return { ...body };
}
