// BIOS settings through Redfish: set beside the current ones, taken over when the machine starts anew.
import { readBios, resetBios, setBiosAttributes, type BiosValue } from '#bmc/redfish/bios.ts';
import { InvalidParameterValue, RedfishError } from '#model/faults.ts';
import type { BiosInterface } from '../interfaces/others.ts';
import { booleanWord } from '#model/boolean-word.ts';
import { defineStep, done, type StepOutcome } from '../steps.ts';
import type { Controllers } from './controllers.ts';
import { redfishInfoOf, redfishProperties } from './driver-info.ts';

/** Only when asked for by name. */
const flows = { clean: 0, deploy: 0, service: 0 } as const;

export function redfishBios(controllers: Controllers): BiosInterface {
  return {
    properties: redfishProperties,

    async validate({ node, settings }) {
      redfishInfoOf(node, settings);
    },

    async readSettings(task) {
      const { attributes } = await controllers.use(task, (system) => readBios(...system));
      return Object.entries(attributes).map(([name, value]) => ({
        name,
        value: value === null ? null : String(value),
      }));
    },

    steps: [
      defineStep({
        step: 'apply_configuration',
        flows,
        args: { settings: { description: 'A list of objects with name and value.', required: true } },
        async run(task, args) {
          const wanted = settingsIn(args['settings']);
          return await controllers.use(task, async ([client, path, signal]) => {
            const { attributes } = await readBios(client, path, signal);
            const changes = Object.fromEntries(
              Object.entries(wanted).map(([name, value]) => [name, asTypeOf(attributes[name], value)]),
            );
            if ((await setBiosAttributes(client, path, changes, signal)) === 'unchanged') return done;
            if (task.memo['rebooted'] === true) throw notTaken(changes, attributes);
            return rebootOnce;
          });
        },
      }),
      defineStep({
        step: 'factory_reset',
        flows,
        async run(task) {
          if (task.memo['rebooted'] === true) return done;
          await controllers.use(task, (system) => resetBios(...system));
          return rebootOnce;
        },
      }),
    ],
  };
}

/** What is noted with it is not there before the reboot has been, however often the step is begun until then. */
const rebootOnce: StepOutcome = {
  kind: 'wait',
  for: 'reboot',
  thenRepeatStep: true,
  notes: { rebooted: true },
};

function settingsIn(given: unknown): Record<string, unknown> {
  const isList = Array.isArray(given) && given.length > 0 && given.length <= 1000;
  const entries = isList ? given.map((each: unknown) => entryOf(each)) : [];
  if (entries.length === 0 || entries.some((entry) => entry === null)) {
    throw new InvalidParameterValue('The argument settings is not a list of objects with name and value.');
  }
  return Object.fromEntries(entries.filter((entry) => entry !== null));
}

function entryOf(each: unknown): [string, unknown] | null {
  if (typeof each !== 'object' || each === null || !('name' in each) || !('value' in each)) return null;
  return typeof each.name === 'string' && each.name !== '' ? [each.name, each.value] : null;
}

/** What was written as text in a request, as the type that the setting has. */
function asTypeOf(current: BiosValue | undefined, value: unknown): BiosValue {
  if (typeof current === 'boolean') return booleanWord(value) ?? false;
  if (typeof current === 'number' && typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function notTaken(wanted: Record<string, BiosValue>, current: Record<string, BiosValue>): RedfishError {
  const open = Object.keys(wanted).filter((name) => current[name] !== wanted[name]);
  return new RedfishError({
    error: `After a restart the machine still has other BIOS settings: ${open.join(', ')}`,
  });
}
