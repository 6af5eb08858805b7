import type { StorageInterface } from '../interfaces/others.ts';

/** Machines with disks of their own and no volumes. */
export const noopStorage: StorageInterface = {
  properties: {},
  async validate() {},
  shouldWriteImage: () => true,
};
