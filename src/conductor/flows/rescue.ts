import { type Flow, flowStep } from './flow.ts';

/** Whatever was told of the password goes when the rescue is over (ironic conductor/utils.py). */
const forgetPassword = (instanceInfo: Readonly<Record<string, unknown>>) => {
  const { rescue_password: _plain, hashed_rescue_password: _hashed, ...rest } = instanceInfo;
  return rest;
};

/**
 * Ensures: the machine runs the rescue ramdisk, reachable with the password given; its disks are untouched.
 * When: `rescue`. Not its business: going back (unrescue).
 */
export const rescue: Flow = {
  kind: 'rescue',
  stepFlow: 'rescue',
  stepField: null,
  plan: () => [flowStep('rescue', true)],
  own: {
    rescue: async (task) => (await task.driver.rescue.rescue?.(task)) ?? { kind: 'done' },
  },
  finish: () => ({ raise: ['done'], columns: { last_error: null } }),
  fail: ({ operation, node, error, isLeftUndone }) => ({
    raise: ['fail'],
    columns: {
      last_error: error,
      instance_info: forgetPassword(node.instance_info),
      ...(operation.abort_requested && isLeftUndone
        ? {
            maintenance: true,
            maintenance_reason: 'What the aborted rescue began could not be undone',
            fault: 'rescue abort failure' as const,
          }
        : {}),
    },
    history: { severity: 'ERROR', type: 'rescue', event: error },
  }),
  async cleanUp(task, { fault }) {
    // Nobody knows what it runs (ironic conductor/utils.py cleanup_rescuewait_timeout, 2026.2).
    const isSilent = fault === 'boot-timeout' || fault === 'agent-timeout';
    if (isSilent && !task.node.disable_power_off) await task.setPower('power off');
    await task.driver.rescue.cleanUp?.(task);
  },
};

/** Ensures: the machine boots its instance again. When: `unrescue`. */
export const unrescue: Flow = {
  kind: 'unrescue',
  stepFlow: 'rescue',
  stepField: null,
  plan: () => [flowStep('unrescue')],
  own: {
    unrescue: async (task) => (await task.driver.rescue.unrescue?.(task)) ?? { kind: 'done' },
  },
  finish: ({ node }) => ({
    raise: ['done'],
    columns: { last_error: null, instance_info: forgetPassword(node.instance_info) },
  }),
  fail: ({ error }) => ({
    raise: ['fail'],
    columns: { last_error: error },
    history: { severity: 'ERROR', type: 'rescue', event: error },
  }),
};
