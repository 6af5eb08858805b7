import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '#config/settings.ts';
import { createLog } from './log.ts';

test('the log shows errors with their causes, and no credentials of the URLs they name', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, { write: (line) => void (text += line) });
  const cause = new Error('GET https://me:hunter2@images/a?sig=hunter2: 403');
  log.warn({ err: new Error('no image', { cause }) }, 'failed');
  assert.match(text, /no image.*403/);
  assert.doesNotMatch(text, /hunter2/);
});
