// What a conductor promises, once more on the other database.
process.env['INGOT_TEST_DATABASE'] = 'postgres';

await import('./crash.test.ts');
await import('./lease.test.ts');
await import('./many-conductors.test.ts');
await import('./node-edits.test.ts');
await import('./operations.test.ts');
await import('./retry.test.ts');
await import('./turns.test.ts');
await import('./worst-moments.test.ts');
