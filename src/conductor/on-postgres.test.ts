// What a conductor promises, once more on the other database.
process.env['INGOT_TEST_DATABASE'] = 'postgres';

await import('./operations/crash.test.ts');
await import('./membership/lease.test.ts');
await import('./membership/many-conductors.test.ts');
await import('./edits/node-edits.test.ts');
await import('./operations/operations.test.ts');
await import('./waits/retry.test.ts');
await import('./waits/turns.test.ts');
await import('./operations/worst-moments.test.ts');
