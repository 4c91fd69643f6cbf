// Jest runs tests in a realm of its own, where an error that Node itself throws is no `instanceof Error`. In production it is; so it is here.
import { types } from 'node:util';
import { TestEnvironment } from 'jest-environment-node';

export default class extends TestEnvironment {
  constructor(...args) {
    super(...args);
    const RealmError = this.global.Error;
    Object.defineProperty(RealmError, Symbol.hasInstance, {
      // Subclasses inherit this: for them only the ordinary answer holds.
      value(candidate) {
        const ordinary = Function.prototype[Symbol.hasInstance].call(this, candidate);
        return ordinary || (this === RealmError && types.isNativeError(candidate));
      },
    });
  }
}
