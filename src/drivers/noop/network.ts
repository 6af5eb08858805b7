import type { NetworkInterface } from '../interfaces/others.ts';

/** For machines that are on the network they need, always. */
export const noopNetwork: NetworkInterface = {
  properties: {},
  async validate() {},
  async attach() {},
  async detach() {},
};
