import { InvalidParameterValue } from '#model/faults.ts';
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
          if (!Array.isArray(settings))
            throw new InvalidParameterValue('The firmware updates are not a list.');
          await delay(task, 'firmware_delay');
          return done;
        },
      }),
    ],
  };
}
