import { InvalidParameterValue } from '#model/faults.ts';
import type { BiosInterface } from '../interfaces/others.ts';
import { defineStep, done } from '../steps.ts';
import type { Delay } from './delay.ts';

interface BiosSetting {
  name: string;
  value: string | null;
}

/** Where the settings are kept, for want of a BIOS. */
const kept = 'fake_bios_settings';

export function fakeBios(delay: Delay): BiosInterface {
  return {
    properties: {},
    async validate() {},
    async readSettings(task) {
      await delay(task, 'bios_delay');
      return parseSettings(task.node.driver_internal_info[kept] ?? []);
    },
    steps: [
      defineStep({
        step: 'apply_configuration',
        flows: { clean: 0 },
        args: { settings: { description: 'The settings, each with name and value', required: true } },
        async run(task, { settings }) {
          const wanted = parseSettings(settings);
          await delay(task, 'bios_delay');
          return { kind: 'done', changes: { driver_internal_info: { [kept]: wanted } } };
        },
      }),
      defineStep({
        step: 'factory_reset',
        flows: { clean: 0 },
        async run(task) {
          await delay(task, 'bios_delay');
          return { kind: 'done', changes: { driver_internal_info: { [kept]: null } } };
        },
      }),
      defineStep({
        step: 'cache_bios_settings',
        flows: { clean: 0 },
        async run(task) {
          await delay(task, 'bios_delay');
          return done;
        },
      }),
    ],
  };
}

/** Throws InvalidParameterValue when it is no list of settings. */
function parseSettings(settings: unknown): BiosSetting[] {
  if (!Array.isArray(settings)) throw new InvalidParameterValue('The BIOS settings are not a list.');
  return settings.map(parseSetting);
}

function parseSetting(setting: unknown): BiosSetting {
  if (
    typeof setting !== 'object' ||
    setting === null ||
    !('name' in setting) ||
    typeof setting.name !== 'string'
  )
    throw new InvalidParameterValue('A BIOS setting is an object with name and value.');
  const { name } = setting;
  const value = 'value' in setting ? setting.value : null;
  if (value === null || typeof value === 'string') return { name, value };
  // A BIOS gives every value as text.
  if (typeof value === 'number' || typeof value === 'boolean') return { name, value: String(value) };
  throw new InvalidParameterValue(`The value of the BIOS setting ${name} is not a text, number or boolean.`);
}
