import type { OperationKind } from '#protocol/operation.ts';
import { adopt } from './adopt.ts';
import { clean } from './clean.ts';
import { deploy } from './deploy.ts';
import type { Flow } from './flow.ts';
import { inspect } from './inspect.ts';
import { power } from './power.ts';
import { rescue, unrescue } from './rescue.ts';
import { service } from './service.ts';
import { tearDown } from './tear-down.ts';
import { verify } from './verify.ts';

/** The flow of each kind of operation. */
export const flows: Readonly<Record<OperationKind, Flow>> = {
  adopt,
  clean,
  deploy,
  inspect,
  power,
  rescue,
  service,
  'tear down': tearDown,
  unrescue,
  verify,
};
