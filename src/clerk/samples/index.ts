/** Samples of every event type, for `send`, for demonstrations and for tests. */
export {
  SAMPLE_INSTANCE_ID,
  sampleEvent,
  type SampleEvent,
  type SampleOptions,
} from './sample-event.js';
export { sampleId, seededRandom } from './random.js';
