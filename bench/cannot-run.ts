/** Nothing was measured, because of how the program was called or what the machine lacks. The message has the cure. */
export class CannotRun extends Error {}
