/** Samples of every event type, for `send`, for demonstrations and for tests. */
export { sampleEvent, type SampleEvent, type SampleOptions } from './sample-event.js';
export { sampleId, seededRandom } from './random.js';
