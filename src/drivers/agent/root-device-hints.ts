import { InvalidParameterValue } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';

const hints = [
  'model',
  'vendor',
  'serial',
  'wwn',
  'wwn_with_extension',
  'wwn_vendor_extension',
  'name',
  'by_path',
  'hctl',
  'size',
  'rotational',
  'tran',
] as const;

/**
 * Checks that the hints which name the disk to write are ones that agents know: one they ignored would let the image
 * go to a disk nobody named. The agent itself reads operators and values. Throws InvalidParameterValue.
 */
export function checkRootDeviceHints({ instance_info, properties }: NodeRecord): void {
  for (const [where, given] of Object.entries({
    instance_info: instance_info['root_device'],
    properties: properties['root_device'],
  })) {
    if (given === undefined || given === null) continue;
    if (typeof given !== 'object' || Array.isArray(given)) {
      throw new InvalidParameterValue(`root_device in ${where} is not an object of hints.`);
    }
    const unknown = Object.keys(given).filter((hint) => !hints.some((known) => known === hint));
    if (unknown.length > 0) {
      throw new InvalidParameterValue(
        `root_device in ${where} has unknown hints: ${unknown.join(', ')}; known are ${hints.join(', ')}.`,
      );
    }
  }
}
