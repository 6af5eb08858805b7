// What the API answers, once more from the other database.
process.env['INGOT_TEST_DATABASE'] = 'postgres';

await import('./chassis/chassis.test.ts');
await import('./concurrent-patches.test.ts');
await import('./fuzz.test.ts');
await import('./ingot/ingot.test.ts');
await import('./nodes/nodes.test.ts');
await import('./nodes/states.test.ts');
await import('./ports/ports.test.ts');
