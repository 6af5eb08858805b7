import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashPassword } from './password-hash.ts';

// Test vectors of Drepper's specification.
describe('hashPassword', () => {
  it('agrees with the specification on SHA-256', () => {
    assert.equal(
      hashPassword('Hello world!', 'sha256', 'saltstring'),
      '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5',
    );
  });

  it('agrees with the specification on SHA-512', () => {
    assert.equal(
      hashPassword('Hello world!', 'sha512', 'saltstring'),
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    );
  });

  it('takes another salt each time', () => {
    assert.notEqual(hashPassword('a', 'sha256'), hashPassword('a', 'sha256'));
  });
});
