import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeEvent } from './bare-metal-client.ts';
import { fastTrackSaving, slowestSteps, timelineOf } from './timeline.ts';

/** Events one after the other, each with the second it happened at. */
function events(...rows: [second: number, kind: string, data: Record<string, unknown>][]): NodeEvent[] {
  return rows.map(([second, kind, data], index) => ({
    id: index + 1,
    at: new Date(second * 1000).toISOString(),
    kind,
    operation_id: null,
    data,
  }));
}

const history = events(
  [0, 'node.created', {}],
  [1, 'provision.transition', { from: 'manageable', to: 'cleaning' }],
  [1, 'operation.started', { kind: 'clean' }],
  [3, 'provision.transition', { from: 'cleaning', to: 'clean wait' }],
  [7, 'provision.transition', { from: 'clean wait', to: 'cleaning' }],
  [8, 'step.finished', { interface: 'flow', step: 'prepare_cleaning' }],
  [8, 'step.started', { interface: 'deploy', step: 'erase_devices' }],
  [9, 'provision.transition', { from: 'cleaning', to: 'available' }],
  [9, 'step.finished', { interface: 'deploy', step: 'erase_devices' }],
  [20, 'operation.started', { kind: 'deploy' }],
  [26, 'step.finished', { interface: 'deploy', step: 'write_image' }],
);

describe('a timeline', () => {
  it('adds up every visit to a state, and times steps from the beginning of their operation or of themselves', () => {
    const { states, steps } = timelineOf(history);
    assert.deepEqual(states, { manageable: 1, cleaning: 4, 'clean wait': 4 });
    assert.deepEqual(
      steps.map(({ operation, step, seconds }) => [operation, step, seconds]),
      [
        ['clean', 'prepare_cleaning', 7],
        ['clean', 'erase_devices', 1],
        ['deploy', 'write_image', 6],
      ],
    );
  });

  it('names the longest steps with their share, and what another start of the machine costs', () => {
    const timelines = [timelineOf(history), timelineOf(history)];
    const [first, second] = slowestSteps(timelines, 2);
    assert.equal(first?.step, 'prepare_cleaning');
    assert.equal(first.seconds, 7);
    assert.equal(first.share, 0.5);
    assert.equal(second?.step, 'write_image');
    assert.equal(fastTrackSaving(timelines), 7);
  });
});
