import { InvalidParameterValue } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { FirmwareInterface } from '../interfaces/others.ts';
import { defineStep, done } from '../steps.ts';
import type { Delay } from './delay.ts';

export function fakeFirmware(delay: Delay): FirmwareInterface {
  return {
    properties: {},
    async validate() {},
    async readComponents(task) {
      await delay(task, 'firmware_delay');
      return [];
    },
    steps: [
      defineStep({
        step: 'update',
        flows: { clean: 0 },
        args: { settings: { description: 'The updates, each with component and url', required: true } },
        async run(task, { settings }) {
          checkUpdates(settings);
          await delay(task, 'firmware_delay');
          return done;
        },
      }),
    ],
  };
}

/** Throws InvalidParameterValue when it is no list of updates (spec driver-interfaces.json, firmware.update). */
function checkUpdates(settings: unknown): void {
  if (!Array.isArray(settings) || settings.length === 0)
    throw new InvalidParameterValue('The firmware updates are not a list of at least one.');
  for (const [index, update] of settings.entries()) {
    const isUpdate =
      isJsonObject(update) &&
      ['component', 'url'].every((name) => typeof update[name] === 'string' && update[name] !== '') &&
      ['undefined', 'number'].includes(typeof update['wait']);
    if (!isUpdate)
      throw new InvalidParameterValue(
        `The firmware update ${index} is not an object with component, url and perhaps the seconds to wait.`,
      );
  }
}
