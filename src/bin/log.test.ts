import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '#config/settings.ts';
import { InvalidParameterValue, TemporaryFailure } from '#model/faults.ts';
import { logForPeople } from './log-for-people.ts';
import { createLog } from './log.ts';

test('the log shows errors with their causes, and no credentials of the URLs they name', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: { write: (line) => void (text += line) },
  });
  const cause = new Error('GET https://me:hunter2@images/a?sig=hunter2: 403');
  log.warn({ err: new Error('no image', { cause }) }, 'failed');
  assert.match(text, /no image.*403/);
  assert.doesNotMatch(text, /hunter2/);
});

test('at a terminal an event is a line of text, with the chain of causes below it', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: logForPeople((part) => void (text += part)),
  });
  const cause = new Error('connection refused');
  log.warn({ node: 'n1', wait: { for: 'agent' }, err: new Error('no agent', { cause }) }, 'operation failed');
  assert.match(
    text,
    /^\d\d:\d\d:\d\d warning operation failed node=n1 wait=\{"for":"agent"\}\n {2}Error: no agent\n {2}caused by: Error: connection refused\n$/,
  );
});

test('an error that is our own fault shows where it happened', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: logForPeople((part) => void (text += part)),
  });
  log.error({ err: new Error('unforeseen') }, 'a periodic task failed');
  assert.match(text, /unforeseen\n {6}at .*log\.test\.ts/);
});

test('a database that is away fills no log with places in the code', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: { write: (line) => void (text += line) },
  });
  log.error({ err: new TemporaryFailure('the database is away') }, 'a periodic task failed');
  assert.match(text, /TemporaryFailure: the database is away/);
  assert.doesNotMatch(text, /\bat .*log\.test\.ts/);
});

test('what the log shows at a terminal cannot command it', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: logForPeople((part) => void (text += part)),
  });
  log.warn({ node: '\u001B[2Jgone' }, 'the BMC said \u009B31m');
  assert.doesNotMatch(text, /[^\P{Cc}\n]/u);
});

test('whatever an error carries beside its message is shown without secrets', () => {
  let text = '';
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: { write: (line) => void (text += line) },
  });
  const url = 'https://me:hunter2@images/a?sig=hunter2';
  const several = new AggregateError([new Error(url)], 'all failed');
  const told = Object.assign(new Error('refused'), { code: 'E1', request: { password: 'hunter2', url } });
  for (const err of [new InvalidParameterValue(`no image at ${url}`), several, told])
    log.warn({ err }, 'failed');
  assert.match(text, /"code":"E1"/);
  assert.match(text, /images/);
  assert.doesNotMatch(text, /hunter2/);
});
