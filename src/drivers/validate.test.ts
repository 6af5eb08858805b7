import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interfaceTypes } from '#model/power-states.ts';
import { aTask } from './testing/a-task.ts';
import { validateInterfaces } from './validate.ts';

describe('validateInterfaces', () => {
  it('a node of fakes is fine in every interface but vendor, which is not asked', async () => {
    const task = aTask();
    const verdicts = await validateInterfaces(task.driver, task);
    const expected = interfaceTypes
      .filter((type) => type !== 'vendor')
      .map((type) => [type, { result: true }]);
    assert.deepEqual(verdicts, Object.fromEntries(expected));
  });

  for (const type of ['bios', 'console', 'firmware', 'inspect', 'raid', 'rescue'] as const)
    it(`no-${type} says that there is none`, async () => {
      const task = aTask({ node: { [`${type}_interface`]: `no-${type}` } });
      const verdict = (await validateInterfaces(task.driver, task))[type];
      assert.equal(verdict.result, false);
      assert.match(verdict.reason ?? '', new RegExp(`fake-hardware does not support ${type}`));
    });

  it('an instance may ask for traits of its node only', async () => {
    const asks = async (traits: unknown) => {
      const task = aTask({ node: { traits: ['CUSTOM_A'], instance_info: { traits } } });
      return (await validateInterfaces(task.driver, task)).deploy;
    };
    assert.deepEqual(await asks(['CUSTOM_A']), { result: true });
    assert.match((await asks(['CUSTOM_A', 'CUSTOM_B'])).reason ?? '', /names CUSTOM_B/);
    assert.match((await asks('CUSTOM_A')).reason ?? '', /not a list/);
  });

  it('an interface that breaks is told in the log, not to the client', async () => {
    const task = aTask();
    const broken = {
      ...task.driver.boot,
      async validate() {
        throw new Error('password: hunter2');
      },
    };
    const { boot } = await validateInterfaces({ ...task.driver, boot: broken }, task);
    assert.equal(boot.result, false);
    assert.doesNotMatch(boot.reason ?? '', /hunter2/);
    assert.equal(task.logged.length, 1);
  });
});
