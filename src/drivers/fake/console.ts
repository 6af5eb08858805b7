import type { ConsoleInterface } from '../interfaces/others.ts';

/** A console that can be turned on and off, and leads nowhere. */
export const fakeConsole: ConsoleInterface = {
  properties: {},
  async validate() {},
  async start() {},
  async stop() {},
  async describe() {
    return {};
  },
};
