import type { StorageInterface } from '../interfaces/others.ts';
import type { Delay } from './delay.ts';

export function fakeStorage(delay: Delay): StorageInterface {
  return {
    properties: {},
    async validate() {},
    attachVolumes: (task) => delay(task, 'storage_delay'),
    detachVolumes: (task) => delay(task, 'storage_delay'),
    shouldWriteImage: () => true,
  };
}
